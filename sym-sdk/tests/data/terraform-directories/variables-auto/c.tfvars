v = "not read"
