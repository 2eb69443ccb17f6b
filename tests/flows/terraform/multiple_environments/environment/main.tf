variable "name" {
  type = string
}

variable "approvers" {
  type        = string
  description = "E-mail addresses, with commas between them."
}

variable "request_channel" {
  type = string
}

resource "sym_flow" "this" {
  name           = "approval-${var.name}"
  label          = "Approval (${var.name})"
  implementation = "flows"
  environment_id = sym_environment.this.id

  vars = {
    approvers       = var.approvers
    request_channel = var.request_channel
  }

  params {
    prompt_field {
      name = "reason"
      type = "string"
    }
  }
}

resource "sym_environment" "this" {
  name = var.name

  integrations = {
    slack_id = sym_integration.slack.id
  }
}

resource "sym_integration" "slack" {
  type        = "slack"
  name        = "slack-${var.name}"
  external_id = "T012AB3CD"
}
