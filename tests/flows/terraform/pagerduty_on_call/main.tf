resource "sym_flow" "this" {
  name           = "on-call"
  label          = "On call"
  implementation = "flows"
  environment_id = sym_environment.main.id

  vars = {
    schedule = "platform"
  }

  params {
    prompt_field {
      name = "reason"
      type = "string"
    }
  }
}

resource "sym_environment" "main" {
  name = "main"

  integrations = {
    slack_id     = sym_integration.slack.id
    pagerduty_id = sym_integration.pagerduty.id
  }
}

resource "sym_integration" "slack" {
  type        = "slack"
  name        = "slack"
  external_id = "T012AB3CD"
}

resource "sym_integration" "pagerduty" {
  type        = "pagerduty"
  name        = "pagerduty"
  external_id = "acme.pagerduty.com"

  settings = {
    api_token_secret = sym_secret.pagerduty_token.id
  }
}

resource "sym_secrets" "environment" {
  type = "environment"
  name = "environment"
}

resource "sym_secret" "pagerduty_token" {
  source_id = sym_secrets.environment.id
  path      = "PAGERDUTY_TOKEN"
}
