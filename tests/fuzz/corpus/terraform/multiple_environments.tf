locals {
  environments = {
    staging = { approvers = "ben@example.com,cho@example.com", channel = "#staging-requests" }
    prod    = { approvers = "cho@example.com", channel = "#prod-requests" }
  }
}

module "environment" {
  for_each = local.environments
  source   = "./environment"

  name            = each.key
  approvers       = each.value.approvers
  request_channel = each.value.channel
}
