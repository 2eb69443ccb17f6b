resource "sym_flow" "this" {
  name           = "deploy"
  label          = "Deploy"
  implementation = "flows"
  environment_id = sym_environment.main.id

  vars = {
    request_channel = "#platform"
  }

  params {
    allowed_sources = ["api"]

    prompt_field {
      name = "workflow_id"
      type = "string"
    }

    prompt_field {
      name = "job_id"
      type = "string"
    }
  }
}

resource "sym_environment" "main" {
  name = "main"

  integrations = {
    slack_id    = sym_integration.slack.id
    circleci_id = sym_integration.circleci.id
  }
}

resource "sym_integration" "slack" {
  type        = "slack"
  name        = "slack"
  external_id = "T012AB3CD"
}

resource "sym_integration" "circleci" {
  type        = "custom"
  name        = "circleci"
  external_id = "acme-circleci"

  settings = {
    secret_ids_json = jsonencode([sym_secret.circleci_key.id])
  }
}

resource "sym_secrets" "environment" {
  type = "environment"
  name = "environment"
}

resource "sym_secret" "circleci_key" {
  source_id = sym_secrets.environment.id
  path      = "CIRCLECI_KEY"
}
