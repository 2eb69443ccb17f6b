module "okta" {
  source = "acme/okta/local"
}
resource "sym_target" "t" {
  type     = "custom"
  name     = "t"
  settings = { id = module.okta.group_id, other = data.aws_x.y.arn }
}
data "aws_x" "y" {}
