resource "sym_target" "t" {
  count = 2
  type  = "custom"
  name  = "t${count.index}"
}
