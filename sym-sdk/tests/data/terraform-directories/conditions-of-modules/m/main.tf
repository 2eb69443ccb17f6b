variable "size" {
  validation {
    condition     = var.size > 1
    error_message = "Too small."
  }
}
resource "sym_target" "t" {
  type = "custom"
  name = "t${var.size}"
}
output "size" {
  value = var.size
  precondition {
    condition     = var.size != 3
    error_message = "Not three."
  }
}
