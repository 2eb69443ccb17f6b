resource "sym_target" "t" {
  label    = "A"
  settings = { a = "from a" }
}
