resource "sym_flow" "this" {
  name           = "on-call-group"
  label          = "The on-call group"
  implementation = "flows"
  environment_id = sym_environment.main.id

  params {
    strategy_id = sym_strategy.okta.id

    prompt_field {
      name = "reason"
      type = "string"
    }

    prompt_field {
      name           = "duration"
      type           = "duration"
      allowed_values = ["30m", "1h"]
    }
  }
}

resource "sym_target" "on_call" {
  type  = "okta_group"
  name  = "on_call"
  label = "On call"

  settings = {
    group_id = "00g1"
  }
}

resource "sym_strategy" "okta" {
  type           = "okta"
  name           = "okta"
  integration_id = sym_integration.okta.id
  targets        = [sym_target.on_call.id]
}

resource "sym_environment" "main" {
  name = "main"

  integrations = {
    slack_id = sym_integration.slack.id
    okta_id  = sym_integration.okta.id
  }
}

resource "sym_integration" "slack" {
  type        = "slack"
  name        = "slack"
  external_id = "T012AB3CD"
}

resource "sym_integration" "okta" {
  type        = "okta"
  name        = "okta"
  external_id = "acme.okta.com"

  settings = {
    api_token_secret = sym_secret.okta_token.id
  }
}

resource "sym_secrets" "environment" {
  type = "environment"
  name = "environment"
}

resource "sym_secret" "okta_token" {
  source_id = sym_secrets.environment.id
  path      = "OKTA_TOKEN"
}
