resource "sym_flow" "this" {
  name           = "groups"
  label          = "Groups"
  implementation = "flows"
  environment_id = sym_environment.main.id

  params {
    strategy_id = sym_strategy.google_group.id

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

resource "sym_target" "finance" {
  type  = "google_group"
  name  = "finance"
  label = "Finance"

  settings = {
    group_email = "finance@example.com"
    role        = "MEMBER"
  }
}

resource "sym_strategy" "google_group" {
  type           = "google_group"
  name           = "google_group"
  integration_id = sym_integration.google.id
  targets        = [sym_target.finance.id]
}

resource "sym_environment" "main" {
  name = "main"

  integrations = {
    slack_id = sym_integration.slack.id
  }
}

resource "sym_integration" "slack" {
  type        = "slack"
  name        = "slack"
  external_id = "T012AB3CD"
}

resource "sym_integration" "google" {
  type        = "google"
  name        = "google"
  external_id = "example.com"
}
