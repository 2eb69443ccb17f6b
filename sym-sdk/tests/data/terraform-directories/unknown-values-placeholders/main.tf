module "okta" {
  source = "acme/okta/local"
}
resource "sym_target" "t" {
  type     = "custom"
  name     = "t"
  settings = { id = module.okta.group_id }
}
resource "sym_target" "u" {
  type  = "custom"
  name  = "u-${module.okta.group_id}"
  label = module.okta.names["a"]
}
