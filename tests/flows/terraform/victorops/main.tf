resource "sym_flow" "this" {
  name           = "incident"
  label          = "Incident access"
  implementation = "flows"
  environment_id = sym_environment.main.id

  vars = {
    team = "platform"
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
    slack_id     = sym_integration.slack.id
    victorops_id = sym_integration.victorops.id
  }
}

resource "sym_integration" "slack" {
  type        = "slack"
  name        = "slack"
  external_id = "T012AB3CD"
}

resource "sym_integration" "victorops" {
  type        = "custom"
  name        = "victorops"
  external_id = "acme-victorops"

  settings = {
    secret_ids_json = jsonencode([sym_secret.victorops_key.id])
  }
}

resource "sym_secrets" "environment" {
  type = "environment"
  name = "environment"
}

resource "sym_secret" "victorops_key" {
  source_id = sym_secrets.environment.id
  path      = "VICTOROPS_KEY"
}
