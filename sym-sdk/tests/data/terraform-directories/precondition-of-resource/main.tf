resource "sym_target" "t" {
  for_each = { ok = 2, bad = 1 }
  type     = "custom"
  name     = each.key
  lifecycle {
    precondition {
      condition     = each.value > 1
      error_message = "${each.key} is too small."
    }
  }
}
