locals {
  name = "native"
}
resource "sym_target" "own" {
  provider = sym.eu
  type     = "custom"
  name     = "own-${module.team.id}"
}
