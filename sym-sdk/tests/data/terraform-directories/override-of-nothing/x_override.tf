resource "sym_target" "tt" {
  label = "x"
}
locals {
  nope = 1
}
variable "nope" {}
output "nope" {
  value = 1
}
module "nope" {
  source = "./nope"
}
