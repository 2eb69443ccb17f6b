# The first line

resource "sym_target" "t" {
  label = local.changed
}
