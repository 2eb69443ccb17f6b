"""Compares the clients of sym-integrations with their services. See `../run --help`."""
