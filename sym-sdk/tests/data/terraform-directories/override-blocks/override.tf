resource "sym_flow" "prod" {
  label = "Production"
  params {
    prompt_field {
      name = "ticket"
      type = "int"
    }
  }
  lifecycle {
    create_before_destroy = false
  }
}
