# Who is on the list stands here, so that changing it is a change that somebody reviews.

resource "sym_flow" "logs" {
  name           = "production-logs"
  label          = "Logs of production"
  implementation = "safelist"
  environment_id = sym_environment.main.id

  vars = {
    request_channel = "#access-requests"
    safelist        = "ana@example.com, ben@example.com"
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
      allowed_values = ["1h", "8h"]
    }
  }
}

resource "sym_strategy" "okta" {
  type           = "okta"
  name           = "okta"
  integration_id = sym_integration.okta.id
  targets        = [sym_target.log_readers.id]
}

resource "sym_target" "log_readers" {
  type  = "okta_group"
  name  = "log-readers"
  label = "Log readers"

  settings = {
    group_id = "00g1emaKYZTWRYYRRTSK"
  }
}
