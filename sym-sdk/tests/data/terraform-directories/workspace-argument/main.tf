resource "sym_target" "t" {
  type     = "custom"
  name     = "t"
  settings = { workspace = terraform.workspace }
}
