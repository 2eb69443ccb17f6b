resource "sym_target" "t" {
  count = 1
}
