# Another organization, with other fields, and a variable for its audit channel.

variable "audit_channel" {
  type = string
}

# Whether to use Slack.
variable "slack" {
  type    = bool
  default = true
}

provider "sym" {
  org = "globex"
}

resource "sym_flow" "code" {
  name           = "code"
  label          = "Access to code"
  implementation = "quickstart"
  environment_id = sym_environment.main.id

  vars = {
    request_channel = "#code"
    audit_channel   = var.audit_channel
    schedule        = "security"
  }

  params {
    strategy_id = sym_strategy.code_host.id

    prompt_field {
      name     = "repo_name"
      type     = "string"
      prefetch = true
    }

    prompt_field {
      name           = "urgency"
      type           = "string"
      allowed_values = ["Normal", "Urgent"]
      default        = "Normal"
      on_change      = true
    }

    prompt_field {
      name           = "duration"
      type           = "duration"
      allowed_values = ["1d"]
    }
  }
}

resource "sym_target" "repository" {
  type           = "custom"
  name           = "repository"
  field_bindings = ["repo_name"]
}

resource "sym_strategy" "code_host" {
  type           = "custom"
  name           = "code-host"
  integration_id = sym_integration.code_host.id
  targets        = [sym_target.repository.id]
}

resource "sym_environment" "main" {
  name = "main"

  integrations = {
    for key, integration in {
      code_host = sym_integration.code_host
      pagerduty = sym_integration.pagerduty
      slack     = sym_integration.slack
    } : "${key}_id" => integration.id if key != "slack" || var.slack
  }
}

resource "sym_integration" "code_host" {
  type        = "custom"
  name        = "code_host"
  external_id = "globex"
}

resource "sym_integration" "pagerduty" {
  type        = "pagerduty"
  name        = "pagerduty"
  external_id = "globex"

  settings = {
    api_token_secret = sym_secret.pagerduty_token.id
  }
}

resource "sym_integration" "slack" {
  type        = "slack"
  name        = "slack"
  external_id = "T045EF6GH"

  settings = {
    bot_token_secret = sym_secret.slack_token.id
  }
}

resource "sym_secrets" "file" {
  type = "file"
  name = "file"
}

resource "sym_secret" "slack_token" {
  source_id = sym_secrets.file.id
  path      = "/run/secrets/slack"
}

resource "sym_secret" "pagerduty_token" {
  source_id = sym_secrets.file.id
  path      = "/run/secrets/pagerduty"
}
