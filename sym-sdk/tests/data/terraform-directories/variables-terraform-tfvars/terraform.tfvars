v = "terraform.tfvars"
