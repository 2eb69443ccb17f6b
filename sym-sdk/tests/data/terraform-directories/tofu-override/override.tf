resource "sym_target" "t" {
  label = "tf"
}
