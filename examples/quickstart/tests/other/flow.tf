# Another organization, which has other fields and hides its audit channel in a variable.

variable "audit_channel" {
  type = string
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
    strategy_id = sym_strategy.github.id

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
      required       = false
    }

    prompt_field {
      name           = "duration"
      type           = "duration"
      allowed_values = ["1d"]
    }
  }
}

resource "sym_target" "repository" {
  type           = "github_repo"
  name           = "repository"
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
    for key, integration in { github = sym_integration.github, pagerduty = sym_integration.pagerduty } :
    "${key}_id" => integration.id
  }
}

resource "sym_integration" "github" {
  type        = "github"
  name        = "github"
  external_id = "globex"

  settings = {
    api_token_secret = sym_secret.token["github"].id
  }
}

resource "sym_integration" "pagerduty" {
  type        = "pagerduty"
  name        = "pagerduty"
  external_id = "globex.pagerduty.com"

  settings = {
    api_token_secret = sym_secret.token["pagerduty"].id
  }
}

resource "sym_secrets" "file" {
  type = "file"
  name = "file"
}

resource "sym_secret" "token" {
  for_each  = toset(["github", "pagerduty"])
  source_id = sym_secrets.file.id
  path      = "/run/secrets/${each.key}"
}
