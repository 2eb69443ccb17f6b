resource "sym_flow" "this" {
  name           = "repositories"
  label          = "Repositories"
  implementation = "flows"
  environment_id = sym_environment.main.id

  params {
    strategy_id = sym_strategy.github.id

    prompt_field {
      name     = "repo_name"
      label    = "Repository"
      type     = "string"
      prefetch = true
    }

    prompt_field {
      name           = "duration"
      type           = "duration"
      allowed_values = ["30m", "1h"]
    }
  }
}

resource "sym_target" "repository" {
  type  = "github_repo"
  name  = "repository"
  label = "Repository"

  field_bindings = ["repo_name"]
}

resource "sym_strategy" "github" {
  type           = "github"
  name           = "github"
  integration_id = sym_integration.github.id
  targets        = [sym_target.repository.id]
}

resource "sym_environment" "main" {
  name = "main"

  integrations = {
    slack_id  = sym_integration.slack.id
    github_id = sym_integration.github.id
  }
}

resource "sym_integration" "slack" {
  type        = "slack"
  name        = "slack"
  external_id = "T012AB3CD"
}

resource "sym_integration" "github" {
  type        = "github"
  name        = "github"
  external_id = "acme"

  settings = {
    api_token_secret = sym_secret.github_token.id
  }
}

resource "sym_secrets" "environment" {
  type = "environment"
  name = "environment"
}

resource "sym_secret" "github_token" {
  source_id = sym_secrets.environment.id
  path      = "GITHUB_TOKEN"
}
