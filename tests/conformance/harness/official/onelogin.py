"""OneLogin's own client."""

from collections.abc import Callable
from typing import Any

import onelogin
from onelogin.exceptions import ApiException

from . import kind_of_status


class OneLogin:
    """Calls with a token of their own, which the client leaves to its caller."""

    def __init__(self, base_url: str, settings: dict[str, str]) -> None:
        self._configuration = onelogin.Configuration(
            host=base_url, username=settings["client_id"], password=settings["client_secret"]
        )
        self._client = onelogin.ApiClient(self._configuration)
        self.roles = onelogin.RolesApi(self._client)
        self.users = onelogin.UsersV2Api(self._client)

    def sign_in(self) -> None:
        token = onelogin.OAuth2Api(self._client).generate_token({"grant_type": "client_credentials"})
        self._configuration.access_token = token.access_token

    def pages(self, call: Callable[..., Any], *args: Any, **wanted: Any) -> list[Any]:
        items: list[Any] = []
        while True:
            page = call(*args, **wanted)
            items += page.data
            cursor = {name.lower(): value for name, value in page.headers.items()}.get("after-cursor")
            if not cursor:
                return items
            wanted = {"cursor": cursor}


def connect(base_url: str, settings: dict[str, str]) -> OneLogin:
    return OneLogin(base_url, settings)


def kind_of(error: Exception) -> str | None:
    if isinstance(error, ApiException):
        return "InvalidInput" if error.status == 422 else kind_of_status(error.status)
    return None


def _account_of(client: OneLogin, email: str) -> int:
    found = client.pages(client.users.list_users2_with_http_info, limit=100, email=email)
    return next(user.id for user in found if user.email.lower() == email.lower())


def get_user_info(client: OneLogin, user: str) -> dict[str, Any]:
    found = client.users.get_user2(_account_of(client, user))
    return {"id": found.id, "email": found.email, "role_ids": found.role_ids}


def users_in_role(client: OneLogin, role_id: int) -> list[str]:
    members = client.pages(client.roles.get_role_users_with_http_info, str(role_id), limit=100)
    return [member.email for member in members]


def is_user_in_role(client: OneLogin, user: str, role_id: int) -> bool:
    if role_id in client.users.get_user2(_account_of(client, user)).role_ids:
        return True
    client.roles.get_role(str(role_id))
    return False


def list_roles(client: OneLogin) -> list[int]:
    return [role.id for role in client.pages(client.roles.list_roles_with_http_info, limit=100)]


def list_admins(client: OneLogin, role_id: int) -> list[int]:
    return [admin.id for admin in client.pages(client.roles.get_role_admins_with_http_info, str(role_id), limit=100)]


def add_to_role(client: OneLogin, user: str, role_id: int, admin: bool = False) -> None:
    call = client.roles.add_role_admins if admin else client.roles.add_role_users
    call(str(role_id), [_account_of(client, user)])


def remove_from_role(client: OneLogin, user: str, role_id: int, admin: bool = False) -> None:
    call = client.roles.remove_role_admins if admin else client.roles.remove_role_users
    call(str(role_id), [_account_of(client, user)])


def run_mappings(client: OneLogin, user_id: int) -> None:
    user = client.users.get_user2(user_id)
    client.users.update_user2(user_id, mappings="sync", user=onelogin.User(username=user.username))


def _signed_in(call: Callable[..., Any]) -> Callable[..., Any]:
    def signed_in(client: OneLogin, **arguments: Any) -> Any:
        client.sign_in()
        return call(client, **arguments)

    return signed_in


CALLS: dict[str, Callable[..., Any]] = {
    call.__name__: _signed_in(call)
    for call in (
        get_user_info,
        users_in_role,
        is_user_in_role,
        list_roles,
        list_admins,
        add_to_role,
        remove_from_role,
        run_mappings,
    )
}
