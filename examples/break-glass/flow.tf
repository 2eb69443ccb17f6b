resource "sym_flow" "emergency" {
  name           = "emergency"
  label          = "Emergency access"
  implementation = "break_glass"
  environment_id = sym_environment.main.id

  vars = {
    operations_channel = "#operations"
    engineers_channel  = "#engineering"
    security_channel   = "#security"
  }

  params {
    strategy_id = sym_strategy.okta.id

    prompt_field {
      name           = "severity"
      label          = "Severity"
      type           = "string"
      allowed_values = ["critical", "major", "minor"]
    }

    prompt_field {
      name  = "reason"
      label = "Reason"
      type  = "string"
    }

    prompt_field {
      name           = "duration"
      label          = "For how long"
      type           = "duration"
      allowed_values = ["30m", "2h"]
    }
  }
}

resource "sym_strategy" "okta" {
  type           = "okta"
  name           = "okta"
  integration_id = sym_integration.okta.id
  targets        = [sym_target.production_root.id]
}

resource "sym_target" "production_root" {
  type  = "okta_group"
  name  = "production-root"
  label = "Root in production"

  settings = {
    group_id = "00gROOT"
  }
}
