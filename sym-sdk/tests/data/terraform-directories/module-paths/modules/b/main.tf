resource "sym_target" "t" {
  type     = "custom"
  name     = "t"
  settings = { path = path.module, root = path.root, text = trimspace(file("${path.module}/text.txt")) }
}
