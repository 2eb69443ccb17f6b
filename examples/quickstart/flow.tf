# Access to one repository, for half an hour or an hour.

provider "sym" {
  org = "acme"
}

resource "sym_flow" "repository_access" {
  name           = "repository-access"
  label          = "Access to a repository"
  implementation = "quickstart"
  environment_id = sym_environment.main.id

  vars = {
    request_channel = "#access-requests"
    audit_channel   = "#access-audit"
    schedule        = "platform"
  }

  params {
    strategy_id = sym_strategy.code_host.id

    prompt_field {
      name     = "repo_name"
      label    = "Repository"
      type     = "string"
      prefetch = true
    }

    prompt_field {
      name           = "urgency"
      label          = "Urgency"
      type           = "string"
      allowed_values = ["Normal", "Urgent"]
      on_change      = true
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
      allowed_values = ["30m", "1h"]
    }
  }
}

# The requested resource: the field `repo_name` of the form selects the repository.
resource "sym_target" "repository" {
  type           = "custom"
  name           = "repository"
  label          = "Repository"
  field_bindings = ["repo_name"]
}

resource "sym_strategy" "code_host" {
  type           = "custom"
  name           = "code-host"
  integration_id = sym_integration.code_host.id
  targets        = [sym_target.repository.id]
}

resource "sym_environment" "main" {
  name            = "main"
  error_logger_id = sym_error_logger.slack.id

  integrations = {
    code_host_id = sym_integration.code_host.id
    pagerduty_id = sym_integration.pagerduty.id
    slack_id     = sym_integration.slack.id
  }
}

# Receives alerts about failures, above all access that cannot be revoked.
resource "sym_error_logger" "slack" {
  integration_id = sym_integration.slack.id
  destination    = "#access-errors"
}

# The Slack workspace. Override it with `--var slack_workspace=T…`.
variable "slack_workspace" {
  type    = string
  default = "T012AB3CD"
}

resource "sym_integration" "slack" {
  type        = "slack"
  name        = "slack"
  external_id = var.slack_workspace

  settings = {
    bot_token_secret = sym_secret.slack_token.id
    support          = "Questions about access? Ask the platform team in #platform."
  }
}

# The client of the code host is made up, and needs no token.
resource "sym_integration" "code_host" {
  type        = "custom"
  name        = "code_host"
  external_id = "acme"
}

# A fake answers for PagerDuty in this program, so the token is never read.
resource "sym_integration" "pagerduty" {
  type        = "pagerduty"
  name        = "pagerduty"
  external_id = "acme"

  settings = {
    api_token_secret = sym_secret.pagerduty_token.id
  }
}

# Secrets are read from the environment, a file, or AWS Secrets Manager. Simulations do not read them.
resource "sym_secrets" "environment" {
  type = "environment"
  name = "environment"
}

resource "sym_secret" "slack_token" {
  source_id = sym_secrets.environment.id
  path      = "SLACK_BOT_TOKEN"
}

resource "sym_secret" "pagerduty_token" {
  source_id = sym_secrets.environment.id
  path      = "PAGERDUTY_TOKEN"
}
