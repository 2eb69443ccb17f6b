v = "b.auto.tfvars"
