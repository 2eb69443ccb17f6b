"""The same calls with the vendors' own clients: each module has `connect`, `CALLS` and `status_of`."""
