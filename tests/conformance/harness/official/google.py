"""Google's own client."""

from collections.abc import Callable
from typing import Any

from google.oauth2.credentials import Credentials
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError

from . import kind_of_status


class Google:
    """The Directory API, at another address."""

    def __init__(self, base_url: str, settings: dict[str, str]) -> None:
        directory = build(
            "admin",
            "directory_v1",
            credentials=Credentials(token=settings["access_token"]),
            client_options={"api_endpoint": base_url},
            static_discovery=True,
            cache_discovery=False,
        )
        self.groups = directory.groups()
        self.members = directory.members()

    def pages(self, resource: Any, name: str, **wanted: Any) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = []
        request = resource.list(maxResults=200, **wanted)
        while request is not None:
            page = request.execute()
            items += page.get(name, [])
            request = resource.list_next(request, page)
        return items


def connect(base_url: str, settings: dict[str, str]) -> Google:
    return Google(base_url, settings)


def kind_of(error: Exception) -> str | None:
    if not isinstance(error, HttpError):
        return None
    limits = ("quotaExceeded", "rateLimitExceeded", "userRateLimitExceeded")
    if any(reason in str(error.content) for reason in limits):
        return "RateLimited"
    return kind_of_status(error.resp.status)


def list_groups(google: Google, domain: str = "") -> list[str]:
    where = {"domain": domain} if domain else {"customer": "my_customer"}
    return [group["email"] for group in google.pages(google.groups, "groups", **where)]


def get_group(google: Google, group: str) -> dict[str, Any]:
    found = google.groups.get(groupKey=group).execute()
    return {"id": found["id"], "email": found["email"], "name": found["name"]}


def is_user_in_group(google: Google, user: str, group: str) -> bool:
    try:
        return google.members.hasMember(groupKey=group, memberKey=user).execute()["isMember"]
    except HttpError as error:
        # An address outside the domain of the group.
        if error.resp.status != 400:
            raise
    try:
        google.members.get(groupKey=group, memberKey=user).execute()
        return True
    except HttpError as error:
        if error.resp.status == 404 and b"memberKey" in error.content:
            return False
        raise


def users_in_group(google: Google, group: str, include_indirect_members: bool = True) -> list[str]:
    wanted = {"includeDerivedMembership": True} if include_indirect_members else {}
    members = google.pages(google.members, "members", groupKey=group, **wanted)
    return [member["email"] for member in members if member["type"] == "USER"]


def add_member(google: Google, group: str, user: str, role: str) -> str:
    return google.members.insert(groupKey=group, body={"email": user, "role": role}).execute()["id"]


def set_role(google: Google, group: str, user: str, role: str) -> str:
    return google.members.patch(groupKey=group, memberKey=user, body={"role": role}).execute()["role"]


def remove_member(google: Google, group: str, user: str) -> None:
    google.members.delete(groupKey=group, memberKey=user).execute()


CALLS: dict[str, Callable[..., Any]] = {
    call.__name__: call
    for call in (list_groups, get_group, is_user_in_group, users_in_group, add_member, set_role, remove_member)
}
