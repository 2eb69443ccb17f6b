"""Our client of GitHub with what GitHub itself has answered: the life cycle of a collaborator, as `@octokit/fixtures` has recorded it."""

import json
from pathlib import Path
from typing import Any

from .ours import Ours
from .recorder import Recorder
from .report import SAME, WRONG, Report
from .servers import Broken

NAME = "the recordings of @octokit/fixtures"
VENDORS = ("github",)

_FIXTURE = "node_modules/@octokit/fixtures/scenarios/api.github.com/add-and-remove-repository-collaborator/normalized-fixture.json"
_ORGANIZATION, _REPO, _USER = "octokit-fixture-org", "add-and-remove-repository-collaborator", "octokit-fixture-user-b"

# The step in which the invited user accepts is theirs, and not ours.
_STEPS: list[tuple[str, str, str, dict[str, Any]]] = [
    ("PUT", f"collaborators/{_USER}", "add_collaborator", {"repo": _REPO, "login": _USER, "permission": "push"}),
    ("GET", "invitations", "invitations", {"repo": _REPO}),
    ("GET", "collaborators", "collaborators", {"repo": _REPO}),
    ("DELETE", f"collaborators/{_USER}", "remove_collaborator", {"repo": _REPO, "login": _USER}),
    ("GET", "collaborators", "collaborators", {"repo": _REPO}),
]


def check(_: list[str], program: Path, installed: Path, __: Path, report: Report) -> None:
    recorded = json.loads((installed / "npm" / _FIXTURE).read_text())
    recorded = [entry for entry in recorded if entry["path"].startswith("/repos/")]
    if len(recorded) != len(_STEPS):
        raise Broken(f"{_FIXTURE} has {len(recorded)} calls of a repository instead of {len(_STEPS)}")
    with Recorder() as recorder:
        ours = Ours(program, "github", recorder.url, {"organization": _ORGANIZATION, "api_token": "ghp_token"})
        for entry, (method, path, call, arguments) in zip(recorded, _STEPS, strict=True):
            recorder.replay([_reply(entry)])
            outcome = ours.call(call, arguments)
            heard = [f"{request.method} {request.path}" for request in recorder.heard()]
            wanted = [f"{entry['method'].upper()} {entry['path'].partition('?')[0]}"]
            reasons = []
            if heard != wanted or wanted != [f"{method} /repos/{_ORGANIZATION}/{_REPO}/{path}"]:
                reasons.append(f"recorded {wanted}, ours {heard}")
            if outcome.get("result", outcome) != (expected := _expected(call, entry["response"])):
                reasons.append(f"expected {json.dumps(expected)}, got {json.dumps(outcome)}")
            report.line(WRONG if reasons else SAME, "github", call, f"as recorded: {wanted[0]}", reasons)


def _reply(entry: dict[str, Any]) -> dict[str, Any]:
    kept = ("link", "x-github-request-id", "x-ratelimit-remaining", "x-ratelimit-reset", "content-type")
    headers = {name: value for name, value in (entry.get("headers") or {}).items() if name.lower() in kept}
    reply = {"path": entry["path"].partition("?")[0], "status": entry["status"], "headers": headers}
    return reply | ({"json": entry["response"]} if entry["response"] else {})


def _expected(call: str, response: Any) -> Any:
    """Reads the recorded response as the program prints its results."""
    match call:
        case "add_collaborator":
            return response["id"]
        case "invitations":
            return [[item["id"], item["invitee"]["login"], item["permissions"]] for item in response]
        case "collaborators":
            return [[user["id"], user["login"], user.get("role_name")] for user in response]
        case _:
            return None
