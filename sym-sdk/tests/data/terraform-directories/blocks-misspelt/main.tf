resorce "sym_target" "t" {}
