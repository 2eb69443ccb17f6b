resource "sym_flow" "maintenance" {
  name           = "maintenance"
  label          = "Maintenance of production"
  implementation = "custom_integration"
  environment_id = sym_environment.main.id

  vars = {
    request_channel = "#operations"
  }

  params {
    strategy_id = sym_strategy.okta.id

    prompt_field {
      name  = "work"
      label = "What will be done"
      type  = "string"
    }

    prompt_field {
      name           = "duration"
      label          = "For how long"
      type           = "duration"
      allowed_values = ["1h", "4h"]
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
