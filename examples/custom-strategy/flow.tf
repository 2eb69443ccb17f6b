resource "sym_flow" "database" {
  name           = "database"
  label          = "The database of orders"
  implementation = "custom_strategy"
  environment_id = sym_environment.main.id

  vars = {
    request_channel = "#database-access"
  }

  params {
    strategy_id = sym_strategy.database_roles.id

    prompt_field {
      name  = "reason"
      label = "Reason"
      type  = "string"
    }

    prompt_field {
      name           = "duration"
      label          = "For how long"
      type           = "duration"
      allowed_values = ["1h", "8h"]
    }
  }
}

# Type `custom`: the program has the strategy of this name.
resource "sym_strategy" "database_roles" {
  type           = "custom"
  name           = "database-roles"
  integration_id = sym_integration.database.id
  targets        = [sym_target.orders_reader.id]
}

resource "sym_target" "orders_reader" {
  type  = "custom"
  name  = "orders-reader"
  label = "Read orders"

  settings = {
    role = "orders_reader"
  }
}
