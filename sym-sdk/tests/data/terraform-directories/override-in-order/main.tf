resource "sym_target" "t" {
  type     = "custom"
  name     = "t"
  label    = "Base"
  settings = { a = "base" }
}
