resource "sym_flow" "production" {
  name           = "production"
  label          = "Production"
  implementation = "observability"
  environment_id = sym_environment.main.id

  vars = {
    request_channel = "#production-access"
  }

  params {
    strategy_id = sym_strategy.okta.id

    prompt_field {
      name           = "urgency"
      label          = "Urgency"
      type           = "string"
      allowed_values = ["normal", "urgent"]
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
  targets        = [sym_target.operators.id]
}

resource "sym_target" "operators" {
  type  = "okta_group"
  name  = "operators"
  label = "Operators"

  settings = {
    group_id = "00gOPERATORS"
  }
}
