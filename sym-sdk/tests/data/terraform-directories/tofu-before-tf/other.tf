resource "sym_target" "u" {
  type = "custom"
  name = "u"
}
