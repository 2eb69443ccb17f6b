variable "v" {
  type    = string
  default = "base"
}
locals {
  l = "base"
  m = "kept"
}
output "o" {
  value = "base"
}
module "child" {
  source = "./child"
  name   = "base"
}
provider "sym" {
  org = "base"
}
resource "sym_target" "t" {
  type     = "custom"
  name     = "t"
  settings = { v = var.v, l = local.l, m = local.m, child = module.child.name }
}
