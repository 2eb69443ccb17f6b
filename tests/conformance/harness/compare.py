"""The differences between two lists of requests, and which of them are documented."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from . import assertion
from .recorder import Request

CREDENTIAL = re.compile(r"AWS4-HMAC-SHA256 Credential=([^/]+)/\d{8}/(\S+), SignedHeaders=(\S+), Signature=[0-9a-f]{64}")


@dataclass(frozen=True)
class Difference:
    """A part of a request, such as `query.limit`, with the value of each side."""

    part: str
    ours: Any
    theirs: Any

    def __str__(self) -> str:
        return f"{self.part}: ours {_short(self.ours)}, theirs {_short(self.theirs)}"


def _short(value: Any) -> str:
    text = "nothing" if value is None else json.dumps(value)
    return text if len(text) <= 120 else text[:119] + "…"


@dataclass
class Documented:
    """An intended difference. An absent field matches anything."""

    name: str
    why: str
    vendor: str
    calls: list[str]
    part: str
    ours: Any = None
    theirs: Any = None
    seen: bool = False

    def covers(self, vendor: str, call: str, difference: Difference) -> bool:
        return (
            vendor == self.vendor
            and (not self.calls or call in self.calls)
            and re.fullmatch(self.part, difference.part) is not None
            and self.ours in (None, difference.ours)
            and self.theirs in (None, difference.theirs)
        )


def documented(path: Path) -> list[Documented]:
    return [Documented(calls=entry.pop("calls", []), **entry) for entry in json.loads(path.read_text())]


def differences(ours: Request | None, theirs: Request | None, scenario: dict[str, Any]) -> list[Difference]:
    """Returns the differences between two requests. The scenario sets which `headers` are compared, the `defaults` of absent parts,
    and with `anywhere` that an argument may be in the query or in the body, which is then a part of its own, the `carrier`."""
    if ours is None or theirs is None:
        return [Difference("request", ours and ours.line(), theirs and theirs.line())]
    left, right = _parts(ours, scenario), _parts(theirs, scenario)
    defaults = scenario.get("defaults", {})
    found = []
    for part in sorted(left.keys() | right.keys()):
        values = [parts.get(part, defaults.get(part)) for parts in (left, right)]
        if values[0] != values[1]:
            found.append(Difference(part, *values))
    return found


def _parts(request: Request, scenario: dict[str, Any]) -> dict[str, Any]:
    parts: dict[str, Any] = {"method": request.method, "path": [unquote(part) for part in request.path.split("/")]}
    # The encoding of the path, such as `%40` for `@`, is compared apart from what it decodes to.
    parts["path.encoding"] = request.path
    if scenario.get("anywhere"):
        parts["carrier"] = request.carrier or "query"
        parts |= {f"argument.{name}": value for name, value in request.arguments().items()}
    else:
        for name, value in sorted(request.query):
            parts.setdefault(f"query.{name}", []).append(value)
        parts["body"] = request.carrier
        if request.carrier == "json" and isinstance(request.body, dict):
            parts |= {f"body.{name}": value for name, value in request.body.items()}
        elif request.carrier == "form":
            parts |= {f"body.{name}": value for name, value in request.body}
            parts |= assertion.parts(parts.pop("body.client_assertion", None))
        else:
            parts["body.content"] = request.body
    for name in scenario["headers"]:
        if header := request.headers.get(name):
            parts |= _header(name, header, request)
    return parts


def _header(name: str, value: str, request: Request) -> dict[str, str]:
    if name == "authorization" and (signed := CREDENTIAL.fullmatch(value)):
        # The signature depends on the time; moto verifies it.
        key, scope, covered = signed.groups()
        to_cover = {"host", "content-type"} | {name for name in request.headers if name.startswith("x-amz-")}
        left_out = (to_cover & request.headers.keys()) - set(covered.split(";"))
        return {"signed.by": key, "signed.for": scope, "signed.not": ", ".join(sorted(left_out))}
    if name == "content-type":
        # An empty body needs no content type, and a form is UTF-8 without saying so.
        plain = value.lower().replace(" ", "").replace("urlencoded;charset=utf-8", "urlencoded")
        return {"header.content-type": plain} if request.carrier else {}
    return {f"header.{name}": value}
