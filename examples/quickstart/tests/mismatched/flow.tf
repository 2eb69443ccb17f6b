# A configuration that does not have what the handlers read.

provider "sym" {
  org = "acme"
}

resource "sym_flow" "repository_access" {
  name           = "repository-access"
  label          = "Access to a repository"
  implementation = "quickstart"
  environment_id = sym_environment.main.id

  vars = {
    requests_channel = "#access-requests"
    audit_channel   = "#access-audit"
    schedule        = "platform"
  }

  params {
    strategy_id = sym_strategy.github.id

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
      allowed_values = ["normal", "urgent"]
    }

    prompt_field {
      name  = "cause"
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

resource "sym_strategy" "github" {
  type           = "custom"
  name           = "github"
  integration_id = sym_integration.github.id
  targets        = [sym_target.repository.id]
}

resource "sym_environment" "main" {
  name            = "main"
  error_logger_id = sym_error_logger.slack.id

  integrations = {
    github_id    = sym_integration.github.id
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
  }
}

# The clients of these are fakes in this program, and need no token.
resource "sym_integration" "github" {
  type        = "custom"
  name        = "github"
  external_id = "acme"
}

resource "sym_integration" "pagerduty" {
  type        = "custom"
  name        = "pagerduty"
  external_id = "acme.pagerduty.com"
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
