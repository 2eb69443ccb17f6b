resource "sym_flow" "support" {
  name           = "customer-data"
  label          = "Customer data"
  implementation = "lambda_handlers"
  environment_id = sym_environment.main.id

  vars = {
    request_channel = "#support-leads"
    triage_arn      = "arn:aws:lambda:eu-central-1:123456789012:function:triage"
    record_arn      = "arn:aws:lambda:eu-central-1:123456789012:function:record"
  }

  params {
    strategy_id = sym_strategy.okta.id

    prompt_field {
      name  = "ticket"
      label = "Ticket"
      type  = "int"
    }

    prompt_field {
      name           = "duration"
      label          = "For how long"
      type           = "duration"
      allowed_values = ["1h"]
    }
  }
}

resource "sym_strategy" "okta" {
  type           = "okta"
  name           = "okta"
  integration_id = sym_integration.okta.id
  targets        = [sym_target.support.id]
}

resource "sym_target" "support" {
  type  = "okta_group"
  name  = "support"
  label = "Support"

  settings = {
    group_id = "00gSUPPORT"
  }
}
