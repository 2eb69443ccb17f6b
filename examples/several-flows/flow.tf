# Each flow names the module of its handlers.

resource "sym_flow" "production" {
  name           = "production"
  label          = "Production"
  implementation = "several_flows::production"
  environment_id = sym_environment.main.id

  vars = {
    request_channel = "#production-access"
  }

  params {
    strategy_id = sym_strategy.production.id

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

resource "sym_strategy" "production" {
  type           = "okta"
  name           = "production"
  integration_id = sym_integration.okta.id
  targets        = [sym_target.production.id]
}

resource "sym_target" "production" {
  type  = "okta_group"
  name  = "production"
  label = "Production"

  settings = {
    group_id = "00gPRODUCTION"
  }
}

resource "sym_flow" "staging" {
  name           = "staging"
  label          = "Staging"
  implementation = "several_flows::staging"
  environment_id = sym_environment.main.id

  vars = {
    request_channel = "#staging-access"
  }

  params {
    strategy_id = sym_strategy.staging.id

    prompt_field {
      name  = "reason"
      label = "Reason"
      type  = "string"
    }

    prompt_field {
      name           = "duration"
      label          = "For how long"
      type           = "duration"
      allowed_values = ["8h"]
    }
  }
}

resource "sym_strategy" "staging" {
  type           = "okta"
  name           = "staging"
  integration_id = sym_integration.okta.id
  targets        = [sym_target.staging.id]
}

resource "sym_target" "staging" {
  type  = "okta_group"
  name  = "staging"
  label = "Staging"

  settings = {
    group_id = "00gSTAGING"
  }
}

resource "sym_flow" "reports" {
  name           = "reports"
  label          = "Reports"
  implementation = "several_flows::reports"
  environment_id = sym_environment.main.id

  vars = {
    request_channel = "#reports"
  }

  params {
    strategy_id = sym_strategy.reports.id

    prompt_field {
      name  = "reason"
      label = "Reason"
      type  = "string"
    }

    prompt_field {
      name           = "duration"
      label          = "For how long"
      type           = "duration"
      allowed_values = ["1d"]
    }
  }
}

resource "sym_strategy" "reports" {
  type           = "okta"
  name           = "reports"
  integration_id = sym_integration.okta.id
  targets        = [sym_target.reports.id]
}

resource "sym_target" "reports" {
  type  = "okta_group"
  name  = "reports"
  label = "Reports"

  settings = {
    group_id = "00gREPORTS"
  }
}

# Belongs to the organization: which flows people see.
resource "sym_flows_filter" "this" {
  implementation = "several_flows::visibility"

  vars = {
    restricted = "production"
  }
}
