variable "v" {
  default = "a"
}
resource "sym_target" "t" {
  type     = "custom"
  name     = "t"
  settings = { a = var.v }
}
