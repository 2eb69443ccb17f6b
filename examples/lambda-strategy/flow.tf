resource "sym_flow" "warehouse" {
  name           = "warehouse"
  label          = "The data warehouse"
  implementation = "lambda_strategy"
  environment_id = sym_environment.main.id

  vars = {
    request_channel = "#data-access"
  }

  params {
    strategy_id = sym_strategy.lambda.id

    prompt_field {
      name  = "reason"
      label = "Reason"
      type  = "string"
    }

    prompt_field {
      name           = "duration"
      label          = "For how long"
      type           = "duration"
      allowed_values = ["1h", "8h"]
    }
  }
}

# The function grants and revokes: it is invoked for both, with the target and the requester in its payload.
resource "sym_strategy" "lambda" {
  type           = "aws_lambda"
  name           = "lambda"
  integration_id = sym_integration.aws.id
  targets        = [sym_target.analyst.id]
}

# Settings other than `arn` are passed to the function.
resource "sym_target" "analyst" {
  type  = "aws_lambda_function"
  name  = "analyst"
  label = "Analyst"

  settings = {
    arn  = "arn:aws:lambda:eu-central-1:123456789012:function:warehouse-users"
    role = "analyst"
  }
}
