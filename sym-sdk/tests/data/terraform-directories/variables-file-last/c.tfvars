v = "c.tfvars"
