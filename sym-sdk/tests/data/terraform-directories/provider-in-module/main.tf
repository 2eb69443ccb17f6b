provider "sym" {
  org = "root"
}
module "m" {
  source = "./m"
}
