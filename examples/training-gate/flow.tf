resource "sym_flow" "patients" {
  name           = "patient-records"
  label          = "Patient records"
  implementation = "training_gate"
  environment_id = sym_environment.main.id

  vars = {
    request_channel = "#records-access"
    campaign_id     = "4711"
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
  targets        = [sym_target.record_readers.id]
}

resource "sym_target" "record_readers" {
  type  = "okta_group"
  name  = "record-readers"
  label = "Record readers"

  settings = {
    group_id = "00gRECORDREADERS"
  }
}
