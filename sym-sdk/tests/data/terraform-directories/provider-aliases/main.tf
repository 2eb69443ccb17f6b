provider "sym" {
  alias = "eu"
  org   = "acme-eu"
}
provider "sym" {
  org = "acme"
}
resource "sym_target" "here" {
  type = "custom"
  name = "here"
}
resource "sym_target" "there" {
  provider = sym.eu
  type     = "custom"
  name     = "there"
}
