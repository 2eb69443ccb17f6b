resource "sym_flow" "this" {
  name           = "doors"
  label          = "Doors"
  implementation = "flows"
  environment_id = sym_environment.main.id

  params {
    strategy_id           = sym_strategy.door.id
    schedule_deescalation = false

    prompt_field {
      name = "reason"
      type = "string"
    }
  }
}

resource "sym_target" "server_room" {
  type  = "custom"
  name  = "server_room"
  label = "Server room"

  settings = {
    door_id = "7"
  }
}

resource "sym_strategy" "door" {
  type           = "custom"
  name           = "door"
  integration_id = sym_integration.door.id
  targets        = [sym_target.server_room.id]
}

resource "sym_environment" "main" {
  name = "main"

  integrations = {
    slack_id = sym_integration.slack.id
  }
}

resource "sym_integration" "slack" {
  type        = "slack"
  name        = "slack"
  external_id = "T012AB3CD"
}

resource "sym_integration" "door" {
  type        = "custom"
  name        = "door"
  external_id = "acme-doors"

  settings = {
    secret_ids_json = jsonencode([sym_secret.door_key.id])
  }
}

resource "sym_secrets" "environment" {
  type = "environment"
  name = "environment"
}

resource "sym_secret" "door_key" {
  source_id = sym_secrets.environment.id
  path      = "DOOR_KEY"
}
