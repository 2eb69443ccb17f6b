resource "sym_flow" "this" {
  name           = "trained"
  label          = "For those who are trained"
  implementation = "flows"
  environment_id = sym_environment.main.id

  vars = {
    training_id   = "42"
    error_channel = "#sym-errors"
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
    slack_id   = sym_integration.slack.id
    knowbe4_id = sym_integration.knowbe4.id
  }
}

resource "sym_integration" "slack" {
  type        = "slack"
  name        = "slack"
  external_id = "T012AB3CD"
}

resource "sym_integration" "knowbe4" {
  type        = "knowbe4"
  name        = "knowbe4"
  external_id = "example.com"

  settings = {
    api_token_secret = sym_secret.knowbe4_token.id
    region           = "eu"
  }
}

resource "sym_secrets" "environment" {
  type = "environment"
  name = "environment"
}

resource "sym_secret" "knowbe4_token" {
  source_id = sym_secrets.environment.id
  path      = "KNOWBE4_TOKEN"
}
