"""PagerDuty's own client."""

from collections.abc import Callable, Iterator
from typing import Any

from pagerduty import HttpError, RestApiV2Client

from . import kind_of_status


def connect(base_url: str, settings: dict[str, str]) -> RestApiV2Client:
    client = RestApiV2Client(settings["api_token"])
    # The setter accepts https only.
    client._url = base_url
    return client


class NotFound(Exception):
    """There is no object of that name."""


class NoAccount(NotFound):
    """There is no user with that e-mail address."""


def kind_of(error: Exception) -> str | None:
    if isinstance(error, NotFound):
        return "Identity" if isinstance(error, NoAccount) else "NotFound"
    return kind_of_status(error.response.status_code) if isinstance(error, HttpError) and error.response is not None else None


def _find(client: RestApiV2Client, resource: str, name: str, attribute: str = "name") -> str:
    found = client.find(resource, name, attribute=attribute)
    if found is None:
        raise (NoAccount if resource == "users" else NotFound)(name)
    return found["id"]


def _on_call(client: RestApiV2Client, wanted: dict[str, str], **params: Any) -> Iterator[dict[str, Any]]:
    for what, resource in (("schedule", "schedules"), ("escalation_policy", "escalation_policies")):
        if name := wanted.get(f"{what}_name"):
            params[f"{what}_ids[]"] = [_find(client, resource, name)]
        elif given := wanted.get(f"{what}_id"):
            params[f"{what}_ids[]"] = [given]
    if user := wanted.get("user"):
        params["user_ids[]"] = [_find(client, "users", user, "email")]
    return client.iter_all("oncalls", params={**params, "earliest": "true"})


def is_on_call(client: RestApiV2Client, **wanted: str) -> bool:
    return next(_on_call(client, wanted), None) is not None


def users_on_call(client: RestApiV2Client, **wanted: str) -> list[str]:
    entries = _on_call(client, wanted, **{"include[]": ["users"]})
    return list(dict.fromkeys(entry["user"]["email"] for entry in entries))


def users_for_schedule(client: RestApiV2Client, schedule_name: str = "", schedule_id: str = "") -> list[str]:
    wanted = _find(client, "schedules", schedule_name) if schedule_name else schedule_id
    users = client.rget(f"schedules/{wanted}")["users"]
    return [client.rget(f"users/{user['id']}")["email"] for user in users]


def _incidents(client: RestApiV2Client, since: str, until: str, **wanted: list[str]) -> dict[str, Any]:
    params: dict[str, Any] = {
        "statuses[]": wanted.get("statuses", ["triggered", "acknowledged"]),
        "urgencies[]": wanted.get("urgencies", ["high"]),
        "since": since,
        "until": until,
        "sort_by": "created_at:desc",
    }
    if services := wanted.get("service_ids"):
        params["service_ids[]"] = services
    if assignees := wanted.get("assignees"):
        params["user_ids[]"] = [_find(client, "users", email, "email") for email in assignees]
    return params


def get_incidents(client: RestApiV2Client, **wanted: Any) -> list[str]:
    return [incident["id"] for incident in client.iter_all("incidents", params=_incidents(client, **wanted))]


def has_incident(client: RestApiV2Client, **wanted: Any) -> bool:
    incidents = client.iter_all("incidents", params=_incidents(client, **wanted), page_size=1)
    return next(incidents, None) is not None


CALLS: dict[str, Callable[..., Any]] = {
    call.__name__: call for call in (is_on_call, users_on_call, users_for_schedule, get_incidents, has_incident)
}
