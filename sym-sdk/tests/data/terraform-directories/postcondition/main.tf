resource "sym_target" "t" {
  type = "custom"
  name = "t"
  lifecycle {
    postcondition {
      condition     = self.name == "t"
      error_message = "never"
    }
    postcondition {
      condition     = self.label != null
      error_message = "It needs a label."
    }
  }
}
