"""Compares the clients of sym-integrations with the services they stand for; `../run --help` tells more."""
