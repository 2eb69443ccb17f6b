resource "sym_flow" "this" {
  name           = "postgres"
  label          = "A PostgreSQL role"
  implementation = "flows"
  environment_id = sym_environment.main.id

  params {
    strategy_id = sym_strategy.aws_lambda.id

    prompt_field {
      name = "reason"
      type = "string"
    }

    prompt_field {
      name           = "duration"
      type           = "duration"
      allowed_values = ["30m", "1h"]
    }
  }
}

resource "sym_target" "readonly" {
  type  = "aws_lambda_function"
  name  = "readonly"
  label = "Read only"

  settings = {
    arn = "arn:aws:lambda:eu-central-1:123456789012:function:postgres"
  }
}

resource "sym_target" "readwrite" {
  type  = "aws_lambda_function"
  name  = "readwrite"
  label = "Read and write"

  settings = {
    arn = "arn:aws:lambda:eu-central-1:123456789012:function:postgres"
  }
}

resource "sym_strategy" "aws_lambda" {
  type           = "aws_lambda"
  name           = "aws_lambda"
  integration_id = sym_integration.runtime.id
  targets        = [sym_target.readonly.id, sym_target.readwrite.id]
}

resource "sym_environment" "main" {
  name = "main"

  integrations = {
    slack_id = sym_integration.slack.id
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
