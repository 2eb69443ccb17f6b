v = "c.tfvars"
undeclared = 1
