variable "id" {
  type    = string
  default = "x"
  validation {
    condition     = can(tonumber(var.id))
    error_message = "The id is a number."
  }
}
resource "sym_target" "t" {
  type     = "custom"
  name     = "t"
  settings = { id = var.id }
}
