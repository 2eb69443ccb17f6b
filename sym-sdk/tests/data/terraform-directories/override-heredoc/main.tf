resource "sym_target" "t" {
  type  = "custom"
  name  = "t"
  label = <<EOT
one
EOT
  settings = {
    a = "1" # a comment
  }
}
