# Access to the staging database. `cargo run -- check` compares this file with the handlers in `src/main.rs`.

provider "sym" {
  org = "{{organization}}"
}

resource "sym_flow" "staging_database" {
  name           = "staging-database"
  label          = "Staging database"
  environment_id = sym_environment.main.id

  # Handlers read these as `Vars<Settings>`.
  vars = {
    request_channel = "#access-requests"
  }

  params {
    strategy_id = sym_strategy.staging_database.id

    prompt_field {
      name  = "reason"
      label = "Reason"
      type  = "string"
    }

    prompt_field {
      name           = "duration"
      label          = "For how long"
      type           = "duration"
      allowed_values = ["30m", "1h", "8h"]
    }
  }
}

# How access is granted, and to what. The type `custom` is a strategy of the program.
resource "sym_strategy" "staging_database" {
  type           = "custom"
  name           = "staging-database"
  integration_id = sym_integration.database.id
  targets        = [sym_target.reader.id, sym_target.writer.id]
}

resource "sym_target" "reader" {
  type  = "custom"
  name  = "reader"
  label = "Read"
}

resource "sym_target" "writer" {
  type  = "custom"
  name  = "writer"
  label = "Write"
}

resource "sym_integration" "database" {
  type        = "custom"
  name        = "staging-database"
  external_id = "staging.{{domain}}"
}

# Where the flow runs, and whom it tells about failures.
resource "sym_environment" "main" {
  name            = "main"
  error_logger_id = sym_error_logger.slack.id

  integrations = {
    slack_id = sym_integration.slack.id
  }
}

resource "sym_error_logger" "slack" {
  integration_id = sym_integration.slack.id
  destination    = "#access-errors"
}

# Replace the id by that of your workspace.
resource "sym_integration" "slack" {
  type        = "slack"
  name        = "slack"
  external_id = "T012AB3CD"

  settings = {
    bot_token_secret = sym_secret.slack_token.id
  }
}

# Secrets are read from environment variables when the program starts, and not by tests and simulations.
resource "sym_secrets" "environment" {
  type = "environment"
  name = "environment"
}

resource "sym_secret" "slack_token" {
  source_id = sym_secrets.environment.id
  path      = "SLACK_BOT_TOKEN"
}
