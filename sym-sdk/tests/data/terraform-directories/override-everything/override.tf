variable "v" {
  default = "changed"
}
locals {
  l = "changed"
}
output "o" {
  value = "changed"
}
module "child" {
  name = "changed"
}
provider "sym" {
  org = "changed"
}
