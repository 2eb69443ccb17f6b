"""The same calls with the vendors' own clients. Each module has `connect`, `CALLS` and `kind_of`."""

_KINDS = {
    400: "InvalidInput",
    401: "Unauthorized",
    402: "Forbidden",
    403: "Forbidden",
    404: "NotFound",
    409: "Conflict",
    429: "RateLimited",
}


def kind_of_status(status: int | None) -> str | None:
    """Returns the kind of our errors for a status."""
    return None if status is None else _KINDS.get(status)
