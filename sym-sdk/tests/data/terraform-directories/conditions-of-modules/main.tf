module "m" {
  for_each = { good = 3, bad = 1 }
  source   = "./m"
  size     = each.value
}
