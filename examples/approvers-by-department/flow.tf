resource "sym_flow" "reports" {
  name           = "financial-reports"
  label          = "Financial reports"
  implementation = "approvers_by_department"
  environment_id = sym_environment.main.id

  # The group that approves, and the channel that is asked, by the requester's department in Okta.
  vars = {
    finance_approvers = "00gFINANCELEADS"
    finance_channel   = "#finance-access"
    other_approvers   = "00gCONTROLLING"
    other_channel     = "#controlling"
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
      allowed_values = ["1d", "7d"]
    }
  }
}

resource "sym_strategy" "okta" {
  type           = "okta"
  name           = "okta"
  integration_id = sym_integration.okta.id
  targets        = [sym_target.report_readers.id]
}

resource "sym_target" "report_readers" {
  type  = "okta_group"
  name  = "report-readers"
  label = "Report readers"

  settings = {
    group_id = "00gREPORTREADERS"
  }
}
