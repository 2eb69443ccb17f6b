resource "sym_target" "t" {
  type     = "custom"
  name     = "t"
  settings = { a = "1" }
}
resource "aws_iam_role" "r" {
  name = "r"
  lifecycle {
    precondition {
      condition     = sym_target.t.name == "u"
      error_message = "It must be u."
    }
  }
}
