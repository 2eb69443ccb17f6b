resource "sym_flow" "this" {
  name           = "review"
  label          = "Review"
  implementation = "flows"
  environment_id = sym_environment.main.id

  vars = {
    decide_arn = "arn:aws:lambda:eu-central-1:123456789012:function:decide"
    file_arn   = "arn:aws:lambda:eu-central-1:123456789012:function:file"
  }

  params {
    prompt_field {
      name = "reason"
      type = "string"
    }
  }
}

resource "sym_environment" "main" {
  name = "main"

  integrations = {
    slack_id      = sym_integration.slack.id
    aws_lambda_id = sym_integration.runtime.id
  }
}

resource "sym_integration" "slack" {
  type        = "slack"
  name        = "slack"
  external_id = "T012AB3CD"
}

resource "sym_integration" "runtime" {
  type        = "permission_context"
  name        = "runtime"
  external_id = "123456789012"

  settings = {
    cloud      = "aws"
    region     = "eu-central-1"
    role_arn   = "arn:aws:iam::123456789012:role/sym/runtime"
    account_id = "123456789012"
  }
}
