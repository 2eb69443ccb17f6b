v = "a.auto.tfvars"
