resource "sym_flow" "this" {
  name           = "by-department"
  label          = "By department"
  implementation = "flows"
  environment_id = sym_environment.main.id

  vars = {
    engineering_group = "00g-engineering"
    fallback_group    = "00g-it"
    approver_group    = "00g-approvers"
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
    slack_id = sym_integration.slack.id
    okta_id  = sym_integration.okta.id
  }
}

resource "sym_integration" "slack" {
  type        = "slack"
  name        = "slack"
  external_id = "T012AB3CD"
}

resource "sym_integration" "okta" {
  type        = "okta"
  name        = "okta"
  external_id = "acme.okta.com"

  settings = {
    api_token_secret = sym_secret.okta_token.id
  }
}

resource "sym_secrets" "environment" {
  type = "environment"
  name = "environment"
}

resource "sym_secret" "okta_token" {
  source_id = sym_secrets.environment.id
  path      = "OKTA_TOKEN"
}
