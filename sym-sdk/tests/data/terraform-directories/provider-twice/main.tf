provider "sym" {
  org = "one"
}
provider "sym" {
  org = "two"
}
