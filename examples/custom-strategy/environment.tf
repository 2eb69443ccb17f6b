# Where the flow runs: its Slack workspace, the services that its handlers call, and whom failures are reported to.

provider "sym" {
  org = "acme"
}

resource "sym_environment" "main" {
  name            = "main"
  error_logger_id = sym_error_logger.slack.id

  integrations = {
    slack_id = sym_integration.slack.id
  }
}

# Is told about failures, above all about access that cannot be revoked.
resource "sym_error_logger" "slack" {
  integration_id = sym_integration.slack.id
  destination    = "#access-errors"
}

resource "sym_integration" "slack" {
  type        = "slack"
  name        = "slack"
  external_id = "T012AB3CD"

  settings = {
    bot_token_secret = sym_secret.slack_token.id
  }
}

# The database. Its URL has a password, so it is a secret: `postgres://access_manager:…@db.example.com/postgres`.
resource "sym_integration" "database" {
  type        = "custom"
  name        = "database"
  external_id = "db.example.com"

  settings = {
    url_secret = sym_secret.database_url.id
  }
}

# Secrets are read from the environment when the program starts. Tests and simulations do not read them.
resource "sym_secrets" "environment" {
  type = "environment"
  name = "environment"
}

resource "sym_secret" "slack_token" {
  source_id = sym_secrets.environment.id
  path      = "SLACK_BOT_TOKEN"
}

resource "sym_secret" "database_url" {
  source_id = sym_secrets.environment.id
  path      = "DATABASE_URL"
}
