"""Our client against an emulator: the expected outcome of each call."""

import json
from collections.abc import Callable
from typing import Any

from .ours import Ours
from .report import SAME, WRONG, Report


class Expect:
    """Makes calls, and reports whether their outcomes are as expected."""

    def __init__(self, vendor: str, ours: Ours, report: Report) -> None:
        self._vendor, self._ours, self._report = vendor, ours, report

    def result(self, what: str, call: str, arguments: dict[str, Any], result: Any, **settings: str) -> None:
        self._judge(what, call, arguments, {"result": result}, self._ours.call(call, arguments, settings))

    def error(self, what: str, call: str, arguments: dict[str, Any], kind: str, code: str = "", **settings: str) -> None:
        """Expects an error of this kind, and of this code if one is given."""
        error = self._ours.call(call, arguments, settings).get("error", {})
        fits = error.get("kind") == kind and code in ("", error.get("code"))
        wanted = {"kind": kind, "code": code or "any"}
        self._judge(what, call, arguments, wanted, wanted if fits else error)

    def sends(self, what: str, call: str, arguments: dict[str, Any], read: Callable[[str, str], Any]) -> None:
        """Expects a message, whose text the service has under the returned channel and time stamp."""
        outcome = self._ours.call(call, arguments)
        sent = outcome.get("result")
        seen = read(sent["channel"], sent["ts"]) if sent else outcome
        self._judge(what, call, arguments, arguments["text"], seen)

    def _judge(self, what: str, call: str, arguments: dict[str, Any], wanted: Any, seen: Any) -> None:
        reasons = []
        if wanted != seen:
            reasons = [f"of {json.dumps(arguments)}", f"expected {json.dumps(wanted)}", f"got {json.dumps(seen)}"]
        self._report.line(WRONG if reasons else SAME, self._vendor, call, what, reasons)
