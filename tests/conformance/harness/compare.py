"""What differs between two lists of requests, and which of that is documented."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from .recorder import Request

CREDENTIAL = re.compile(r"AWS4-HMAC-SHA256 Credential=([^/]+)/\d{8}/(\S+), SignedHeaders=(\S+), Signature=[0-9a-f]{64}")


@dataclass(frozen=True)
class Difference:
    """A part of a request, such as `query.limit`, and what either side has there."""

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
    """A difference that is meant. A field that is missing stands for any."""

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


def pairs(ours: list[Request], theirs: list[Request]) -> Iterator[tuple[Request | None, Request | None]]:
    yield from zip_longest(ours, theirs)


def differences(
    ours: Request | None, theirs: Request | None, headers: list[str], anywhere: bool
) -> list[Difference]:
    """What differs between two requests. `anywhere`: whether an argument stands in the query or in the body is one matter
    (`carrier`), and its value another (`argument.…`)."""
    if ours is None or theirs is None:
        return [Difference("request", ours and ours.line(), theirs and theirs.line())]
    left, right = _parts(ours, headers, anywhere), _parts(theirs, headers, anywhere)
    return [
        Difference(part, left.get(part), right.get(part))
        for part in sorted(left.keys() | right.keys())
        if left.get(part) != right.get(part)
    ]


def _parts(request: Request, headers: list[str], anywhere: bool) -> dict[str, Any]:
    parts: dict[str, Any] = {"method": request.method, "path": [unquote(part) for part in request.path.split("/")]}
    # Whether `@` stands as such or as `%40` is one thing, and what it comes to another.
    parts["path.encoding"] = request.path
    if anywhere:
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
        else:
            parts["body.content"] = request.body
    for name in headers:
        value = request.headers.get(name)
        if name == "authorization" and value and (signed := CREDENTIAL.fullmatch(value)):
            # The signature differs with the time; the stand-in of AWS checks it.
            parts["signed.by"], parts["signed.for"], parts["signed.headers"] = signed.groups()
        elif name == "content-type" and value:
            parts["header.content-type"] = value.lower().replace(" ", "")
        else:
            parts[f"header.{name}"] = value
    return parts
