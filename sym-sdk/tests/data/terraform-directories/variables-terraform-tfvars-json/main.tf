variable "v" {
  default = "default"
}
resource "sym_target" "t" {
  type     = "custom"
  name     = "t"
  settings = { v = var.v }
}
