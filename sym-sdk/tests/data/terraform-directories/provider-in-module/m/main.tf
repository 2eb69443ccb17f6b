provider "sym" {
  org = "child"
}
resource "sym_target" "t" {
  type     = "custom"
  name     = "t"
  settings = { a = "1" }
}
