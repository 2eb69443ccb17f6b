resource "sym_target" "t" {
  type     = "custom"
  name     = "t"
  settings = { a = "1", b = "x", a = "2", "a" = "3", a = "4", (upper("c")) = "5", (upper("c")) = "6" }
}
