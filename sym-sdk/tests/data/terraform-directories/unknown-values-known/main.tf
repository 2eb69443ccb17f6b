module "okta" {
  source = "acme/okta/local"
}
resource "sym_target" "t" {
  type     = "custom"
  name     = "t"
  settings = { id = module.okta.group_id, other = data.aws_x.y.arn, deep = module.aws.roles["admin"].arn, map = module.pd.ids["a"] }
}
data "aws_x" "y" {}
module "aws" {
  source = "acme/aws/local"
}
module "pd" {
  source = "acme/pd/local"
}
