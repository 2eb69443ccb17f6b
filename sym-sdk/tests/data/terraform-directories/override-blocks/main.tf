resource "sym_environment" "main" {
  name = "main"
}
resource "sym_flow" "prod" {
  name           = "prod"
  environment_id = sym_environment.main.id
  params {
    allow_revoke = false
    prompt_field {
      name = "reason"
      type = "string"
    }
  }
  lifecycle {
    create_before_destroy = true
    precondition {
      condition     = 1 < 2
      error_message = "never"
    }
  }
}
