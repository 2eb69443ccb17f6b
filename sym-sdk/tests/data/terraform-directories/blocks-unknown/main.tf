resource "sym_target" "t" {
  type     = "custom"
  name     = "t"
  settings = { a = "1" }
}
widget "a" {
  x = 1
}
