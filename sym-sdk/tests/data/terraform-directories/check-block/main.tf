resource "sym_target" "t" {
  type     = "custom"
  name     = "t"
  settings = { a = "1" }
}
check "health" {
  data "http" "example" {
    url = "https://example.com"
  }
  assert {
    condition     = data.http.example.status_code == 200
    error_message = "It does not answer."
  }
  assert {
    condition     = sym_target.t.name == "u"
    error_message = "The name is ${sym_target.t.name}."
  }
}
