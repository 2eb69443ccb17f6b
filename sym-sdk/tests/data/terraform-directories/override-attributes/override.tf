resource "sym_target" "t" {
  label = "Changed"
}
