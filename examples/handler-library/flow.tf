resource "sym_flow" "production" {
  name           = "production"
  label          = "Production"
  implementation = "access_handlers::reviewed"
  environment_id = sym_environment.main.id

  vars = {
    request_channel = "#production-access"
    team_domain     = "platform.example.com"
  }

  params {
    strategy_id = sym_strategy.okta.id

    prompt_field {
      name  = "reason"
      label = "Reason"
      type  = "string"
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
