"""PagerDuty's own client."""

from collections.abc import Callable
from typing import Any

from pagerduty import HttpError, RestApiV2Client


def connect(base_url: str, settings: dict[str, str]) -> RestApiV2Client:
    client = RestApiV2Client(settings["api_token"])
    client.url = base_url
    return client


def status_of(error: Exception) -> int | None:
    return error.response.status_code if isinstance(error, HttpError) else None


class NotFound(Exception):
    """Nothing of that name."""


def _find(client: RestApiV2Client, resource: str, name: str, attribute: str = "name") -> str:
    found = client.find(resource, name, attribute=attribute)
    if found is None:
        raise NotFound(f"{resource} {name}")
    return found["id"]


def _on_call(client: RestApiV2Client, user: str | None = None, **wanted: str) -> list[dict[str, Any]]:
    params: dict[str, Any] = {"include[]": ["users"], "earliest": "true"}
    if name := wanted.get("escalation_policy_name"):
        params["escalation_policy_ids[]"] = [_find(client, "escalation_policies", name)]
    if name := wanted.get("schedule_name"):
        params["schedule_ids[]"] = [_find(client, "schedules", name)]
    if policy := wanted.get("escalation_policy_id"):
        params["escalation_policy_ids[]"] = [policy]
    if schedule := wanted.get("schedule_id"):
        params["schedule_ids[]"] = [schedule]
    if user:
        params["user_ids[]"] = [_find(client, "users", user, "email")]
    return client.list_all("oncalls", params=params)


def is_on_call(client: RestApiV2Client, user: str, **wanted: str) -> bool:
    return bool(_on_call(client, user, **wanted))


def users_on_call(client: RestApiV2Client, **wanted: str) -> list[str]:
    return list(dict.fromkeys(entry["user"]["email"] for entry in _on_call(client, **wanted)))


def users_for_schedule(client: RestApiV2Client, **wanted: str) -> list[str]:
    name = wanted.get("schedule_name")
    schedule = client.rget(f"schedules/{_find(client, 'schedules', name) if name else wanted['schedule_id']}")
    users = (client.rget(f"users/{user['id']}") for user in schedule["users"])
    return [user["email"] for user in users]


def get_incidents(client: RestApiV2Client, since: str, until: str, **wanted: list[str]) -> list[str]:
    params: dict[str, Any] = {
        "statuses[]": wanted.get("statuses", ["triggered", "acknowledged"]),
        "urgencies[]": wanted.get("urgencies", ["high"]),
        "since": since,
        "until": until,
    }
    if services := wanted.get("service_ids"):
        params["service_ids[]"] = services
    if assignees := wanted.get("assignees"):
        params["user_ids[]"] = [_find(client, "users", email, "email") for email in assignees]
    return [incident["id"] for incident in client.iter_all("incidents", params=params)]


CALLS: dict[str, Callable[..., Any]] = {
    call.__name__: call for call in (is_on_call, users_on_call, users_for_schedule, get_incidents)
}
