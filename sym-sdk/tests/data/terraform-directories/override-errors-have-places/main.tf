# The first line
resource "sym_target" "t" {
  type     = "custom"
  name     = "t"
  settings = { a = local.base }
}
