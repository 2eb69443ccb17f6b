resource "sym_target" "t" { name = "changed" }
