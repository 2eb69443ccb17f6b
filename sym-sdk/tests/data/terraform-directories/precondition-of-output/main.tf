resource "sym_target" "t" {
  type     = "custom"
  name     = "t"
  settings = { a = "1" }
}
output "o" {
  value = sym_target.t.name
  precondition {
    condition     = sym_target.t.name == "u"
    error_message = "It must be u."
  }
}
