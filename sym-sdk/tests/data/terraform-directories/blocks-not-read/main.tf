resource "sym_target" "t" {
  type     = "custom"
  name     = "t"
  settings = { a = "1" }
}
action "aws_lambda_invoke" "a" {
  config {
    function_name = "f"
  }
}
terraform {
  required_version = ">= 1.0"
}
moved {
  from = sym_target.old
  to   = sym_target.t
}
removed {
  from = sym_target.gone
}
import {
  to = sym_target.t
  id = "x"
}
ephemeral "random_password" "p" {}
