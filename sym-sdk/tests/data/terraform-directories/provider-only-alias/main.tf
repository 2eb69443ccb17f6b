provider "sym" {
  alias = "eu"
  org   = "acme-eu"
}
resource "sym_target" "t" {
  type     = "custom"
  name     = "t"
  settings = { a = "1" }
}
