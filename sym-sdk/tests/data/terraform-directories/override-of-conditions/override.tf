variable "v" {
  validation {
    condition     = var.v != "a"
    error_message = "no"
  }
}
resource "sym_target" "t" {
  lifecycle {
    precondition {
      condition     = false
      error_message = "no"
    }
  }
}
