variable "name" {}
variable "unused" {
  type = string
}
variable "optional" {
  default = null
}
resource "sym_target" "t" {
  type     = "custom"
  name     = "t"
  settings = { a = "1" }
}
