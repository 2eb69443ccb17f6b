resource "sym_target" "t" {
  type = "custom"
  name = "t"
  lifecycle {
    precondition {
      condition     = upper(1 + "x")
      error_message = "never"
    }
    precondition {
      condition     = "text"
      error_message = "never"
    }
    precondition {
      error_message = "never"
    }
  }
}
