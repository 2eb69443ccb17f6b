"""Slack's own client."""

from collections.abc import Callable
from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_handlers import RateLimitErrorRetryHandler
from slack_sdk.signature import Clock, SignatureVerifier
from slack_sdk.web import SlackResponse


def connect(base_url: str, settings: dict[str, str]) -> WebClient:
    client = WebClient(token=settings["api_token"], base_url=f"{base_url}/api/", timeout=10)
    client.retry_handlers.append(RateLimitErrorRetryHandler(max_retry_count=1))
    return client


_KINDS = {
    "channel_not_found": "NotFound",
    "invalid_auth": "Unauthorized",
    "is_archived": "Conflict",
    "missing_scope": "Forbidden",
    "no_such_subteam": "NotFound",
    "users_not_found": "NotFound",
}


def kind_of(error: Exception) -> str | None:
    return _KINDS.get(error.response["error"]) if isinstance(error, SlackApiError) else None


def _account_of(client: WebClient, email: str) -> str:
    return client.users_lookupByEmail(email=email)["user"]["id"]


def _sent(answer: SlackResponse) -> dict[str, str]:
    return {"channel": answer["channel"], "ts": answer["ts"]}


def user(client: WebClient, identifier: str) -> str:
    return _account_of(client, identifier)


def get_user_info(client: WebClient, user: str) -> dict[str, Any]:
    found = client.users_info(user=_account_of(client, user))["user"]
    return {"id": found["id"], "email": found["profile"]["email"]}


def list_users(client: WebClient) -> list[str]:
    members = (member for page in client.users_list(limit=999) for member in page["members"])
    return [member["id"] for member in members if not member["deleted"]]


def is_user_in_group(client: WebClient, user: str, group_id: str) -> bool:
    account = _account_of(client, user)
    return account in client.usergroups_users_list(usergroup=group_id)["users"]


def users_in_channel(client: WebClient, channel: str) -> list[str]:
    if channel.startswith("#"):
        pages = client.conversations_list(types="public_channel,private_channel", exclude_archived=True, limit=999)
        channels = (found for page in pages for found in page["channels"])
        channel = next(found["id"] for found in channels if found["name"] == channel[1:])
    members = [member for page in client.conversations_members(channel=channel, limit=999) for member in page["members"]]
    return [client.users_info(user=member)["user"]["profile"]["email"] for member in members]


def send_message(client: WebClient, channel: str, text: str) -> dict[str, str]:
    return _sent(client.chat_postMessage(channel=channel, text=text))


def send_message_to_user(client: WebClient, user: str, text: str) -> dict[str, str]:
    return send_message(client, _account_of(client, user), text)


def send_message_to_group(client: WebClient, users: list[str], text: str) -> dict[str, str]:
    return send_message(client, client.conversations_open(users=users)["channel"]["id"], text)


def send_thread_message(client: WebClient, channel: str, ts: str, text: str) -> dict[str, str]:
    return _sent(client.chat_postMessage(channel=channel, thread_ts=ts, text=text))


def update_message(client: WebClient, channel: str, ts: str, text: str, blocks: list[Any]) -> dict[str, str]:
    return _sent(client.chat_update(channel=channel, ts=ts, text=text, blocks=blocks))


def open_view(client: WebClient, trigger_id: str, view: dict[str, Any]) -> str:
    return client.views_open(trigger_id=trigger_id, view=view)["view"]["id"]


class _At(Clock):
    def __init__(self, now: float) -> None:
        self._now = now

    def now(self) -> float:
        return self._now


def is_signed(_: WebClient, secret: str, now: float, timestamp: str, signature: str, body: str) -> bool:
    return SignatureVerifier(secret, _At(now)).is_valid(body, timestamp, signature)


CALLS: dict[str, Callable[..., Any]] = {
    call.__name__: call
    for call in (
        user,
        get_user_info,
        list_users,
        is_user_in_group,
        users_in_channel,
        send_message,
        send_message_to_user,
        send_message_to_group,
        send_thread_message,
        update_message,
        open_view,
        is_signed,
    )
}
