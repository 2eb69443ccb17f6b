data "aws_caller_identity" "me" {}
resource "sym_target" "t" {
  type = "custom"
  name = "t"
  lifecycle {
    precondition {
      condition     = data.aws_caller_identity.me.account_id == "123456789012"
      error_message = "Wrong account."
    }
  }
}
resource "aws_iam_role" "r" {
  name = "r"
  lifecycle {
    postcondition {
      condition     = self.arn != ""
      error_message = "never known"
    }
  }
}
