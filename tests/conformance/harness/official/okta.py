"""Okta's own client."""

import asyncio
import os
from collections.abc import Callable
from typing import Any

# The client reads this from the environment only, and refuses http without it.
os.environ["OKTA_TESTING_TESTINGDISABLEHTTPSCHECK"] = "true"

from okta.client import Client  # noqa: E402
from okta.pagination import PaginationHelper  # noqa: E402

from . import kind_of_status  # noqa: E402


# One for all calls: a client belongs to the loop that it was first used in.
_LOOP = asyncio.new_event_loop()


class Refused(Exception):
    """The client returned an error, as it does instead of raising it."""

    def __init__(self, status: int | None, error: Any) -> None:
        super().__init__(str(error))
        self.status = status


class Okta:
    """One client for all reads of a call and one for all writes, each with an access token of its own, as ours has them."""

    def __init__(self, base_url: str, reads: dict[str, Any], writes: dict[str, Any]) -> None:
        common = {"orgUrl": base_url, "rateLimit": {"maxRetries": 2}}
        self._reader, self._writer = Client(common | reads), Client(common | writes)

    def call(self, name: str, *args: Any, **kwargs: Any) -> tuple[Any, Any]:
        async def once() -> tuple[Any, Any]:
            client = self._writer if "assign" in name else self._reader
            # A call without a result omits it when it fails.
            *results, response, error = await getattr(client, name)(*args, **kwargs)
            if error:
                raise Refused(getattr(response or error, "status", None), error)
            return results[0], response

        return _LOOP.run_until_complete(once())

    def pages(self, name: str, *args: Any, **kwargs: Any) -> list[Any]:
        items: list[Any] = []
        after: dict[str, str] = {}
        while True:
            page, response = self.call(name, *args, **kwargs, **after)
            items += page
            cursor = PaginationHelper.extract_next_cursor(response.headers)
            if cursor is None:
                return items
            after = {"after": cursor}


def connect(base_url: str, settings: dict[str, str]) -> Okta:
    if "client_id" not in settings:
        # Okta documents `SSWS {token}`; version 3.4.6 of the client omits the space.
        token = {"token": f" {settings['api_token']}"}
        return Okta(base_url, token, token)
    app = {
        "authorizationMode": "PrivateKey",
        "clientId": settings["client_id"],
        "privateKey": settings["private_key"],
        "kid": settings["private_key_id"],
    }
    reads, writes = (app | {"scopes": settings[name].split()} for name in ("read_scopes", "write_scopes"))
    return Okta(base_url, reads, writes)


def kind_of(error: Exception) -> str | None:
    return kind_of_status(error.status) if isinstance(error, Refused) else None


def _account_of(okta: Okta, email: str) -> str:
    """Looks up a user by login, which usually is the address, or else by the address."""
    try:
        user, _ = okta.call("get_user", email)
        return user.id
    except Refused as refused:
        if refused.status != 404:
            raise
        found = okta.pages("list_users", search=f'profile.email eq "{email}"', limit=200)
        return next(user.id for user in found)


def get_user_info(okta: Okta, user: str) -> dict[str, Any]:
    found, _ = okta.call("get_user", _account_of(okta, user))
    return {"id": found.id, "email": found.profile.email, "status": found.status.value}


def users_in_group(okta: Okta, group_id: str) -> list[str]:
    return [user.profile.email for user in okta.pages("list_group_users", group_id, limit=200)]


def is_user_in_group(okta: Okta, user: str, group_id: str) -> bool:
    account = _account_of(okta, user)
    if any(group.id == group_id for group in okta.pages("list_user_groups", account)):
        return True
    okta.call("get_group", group_id)
    return False


def list_groups(okta: Okta, name_filter: str = "", filter: str = "", expand: tuple[str, ...] = ()) -> list[str]:
    native = 'type eq "OKTA_GROUP"'
    if name_filter:
        which = {"search": f'{native} and profile.name sw "{name_filter}"'}
    else:
        which = {"filter": f"{native} and {filter}" if filter else native}
    if expand:
        which["expand"] = ",".join(expand)
    return [group.id for group in okta.pages("list_groups", limit=200, **which)]


def add_user_to_group(okta: Okta, user: str, group_id: str) -> None:
    okta.call("assign_user_to_group", group_id, _account_of(okta, user))


def remove_user_from_group(okta: Okta, user: str, group_id: str) -> None:
    okta.call("unassign_user_from_group", group_id, _account_of(okta, user))


CALLS: dict[str, Callable[..., Any]] = {
    call.__name__: call
    for call in (get_user_info, users_in_group, is_user_in_group, list_groups, add_user_to_group, remove_user_from_group)
}
