variable "v" {
  type = map(string)
}
resource "sym_target" "t" {
  type     = "custom"
  name     = "t"
  settings = { v = join(",", keys(var.v)) }
}
