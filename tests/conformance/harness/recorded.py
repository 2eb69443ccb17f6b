"""Our clients and the vendors' own, against the recorder."""

import importlib
import json
from itertools import groupby, zip_longest
from pathlib import Path
from types import ModuleType
from typing import Any

from . import assertion
from .compare import Difference, Documented, differences
from .ours import Ours
from .recorder import Recorder, Request
from .report import MEANT, SAME, WRONG, Report
from .servers import Broken

SOURCE = "differences.json"


class Comparison:
    """One vendor's calls, as `scenarios/<vendor>.json` and `scenarios/<vendor>-<part>.json` list them:

    settings   what both clients are built with
    headers    those that are compared
    defaults   parts of a request that may be left out, and what they are then
    anywhere   whether an argument may stand in the query or in the body
    at_once    paths or operations whose requests are made at once, in any order
    replies    what the recorder answers, the first that fits
    calls      each with its `call`, as our program and CALLS know it, and its `arguments`; and with a `name` for the report,
               `settings` and `replies` of its own that come first, whether it `fails`, and in `given` the members of our result
               or failure that become arguments of their call instead of being compared
    """

    def __init__(self, vendor: str, program: Path, scenarios: Path, entries: list[Documented], report: Report) -> None:
        self._vendor, self._program, self._entries, self._report = vendor, program, entries, report
        self._scenarios = [scenarios / f"{vendor}.json", *sorted(scenarios.glob(f"{vendor}-*.json"))]
        self._scenario: dict[str, Any] = {}
        self._official = _official(vendor)

    def run(self, recorder: Recorder) -> None:
        for scenario in self._scenarios:
            self._scenario = json.loads(scenario.read_text())
            self._run_scenario(recorder)

    def _run_scenario(self, recorder: Recorder) -> None:
        for call in self._scenario["calls"]:
            settings = assertion.with_key(self._scenario["settings"] | call.get("settings", {}))
            ours = Ours(self._program, self._vendor, recorder.url, settings)
            theirs = self._official.connect(recorder.url, settings)
            replies = call.get("replies", []) + self._scenario["replies"]
            name, arguments = call["call"], call["arguments"]
            recorder.replay(replies)
            our_result, our_requests = ours.call(name, arguments), recorder.heard()
            whole = our_result if "error" in our_result else our_result["result"]
            arguments = arguments | {member: whole.pop(member) for member in call.get("given", [])}
            recorder.replay(replies)
            their_result, their_requests = self._call(theirs, name, arguments), recorder.heard()
            label = call.get("name", name)
            self._compare_requests(label, our_requests, their_requests)
            self._compare_results(label, call.get("fails", False), our_result, their_result)

    def _call(self, theirs: Any, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        function = self._official.CALLS.get(name)
        if function is None:
            raise Broken(f"nothing says how {self._vendor}'s own client does {name}")
        try:
            return {"result": function(theirs, **arguments)}
        except Exception as error:  # The clients have no common exception.
            return {"error": {"kind": self._official.kind_of(error), "message": f"{type(error).__name__}: {error}"}}

    def _compare_requests(self, call: str, ours: list[Request], theirs: list[Request]) -> None:
        for mine, other in zip_longest(self._settled(ours), self._settled(theirs)):
            found = differences(mine, other, self._scenario)
            if mine and not mine.answered:
                found.append(Difference("answer", "none in the scenario", None))
            what = (mine or other).line()
            wrong, meant = [], []
            for difference in found:
                entry = next((entry for entry in self._entries if entry.covers(self._vendor, call, difference)), None)
                if entry is None:
                    wrong.append(str(difference))
                else:
                    entry.seen = True
                    meant.append(entry.name)
            if wrong:
                self._report.line(WRONG, self._vendor, call, what, wrong)
            elif meant:
                self._report.line(MEANT, self._vendor, call, f"{what}  [{', '.join(dict.fromkeys(meant))}]", [])
            else:
                self._report.line(SAME, self._vendor, call, what, [])

    def _settled(self, requests: list[Request]) -> list[Request]:
        """Sorts concurrent requests of a path that the scenario names, so that their order is always the same."""
        at_once = tuple(self._scenario.get("at_once", ()))

        def run(request: Request) -> str | None:
            return next((name for name in at_once if request.path.startswith(name) or request.operation() == name), None)

        settled: list[Request] = []
        for path, group in groupby(requests, run):
            if path is None:
                settled.extend(group)
            else:
                settled.extend(sorted(group, key=lambda request: (request.path, repr(request.arguments()))))
        return settled

    def _compare_results(self, call: str, fails: bool, ours: dict[str, Any], theirs: dict[str, Any]) -> None:
        reasons = []
        for who, outcome in (("ours", ours), ("theirs", theirs)):
            if fails != ("error" in outcome):
                reasons.append(f"{who} should {'fail' if fails else 'succeed'}: {json.dumps(outcome)}")
        if fails and not reasons:
            kinds = [outcome["error"]["kind"] for outcome in (ours, theirs)]
            if kinds[0] != kinds[1]:
                reasons.append(f"ours is of kind {kinds[0]}, theirs of {kinds[1]}: {json.dumps(theirs)}")
            what = f"fails: {ours['error'].get('code')}"
        elif reasons:
            what = "result"
        else:
            if ours["result"] != theirs["result"]:
                reasons.append(f"ours {json.dumps(ours['result'])}, theirs {json.dumps(theirs['result'])}")
            what = f"result: {_described(ours['result'])}"
        self._report.line(WRONG if reasons else SAME, self._vendor, call, what, reasons)


def _official(vendor: str) -> ModuleType:
    return importlib.import_module(f".official.{vendor}", __package__)


def _described(result: Any) -> str:
    if isinstance(result, list):
        return f"{len(result)} of them: {', '.join(map(str, result[:3]))}{', …' if len(result) > 3 else ''}"
    return json.dumps(result)


def unseen(vendors: list[str], entries: list[Documented], report: Report) -> None:
    """Reports documented differences that no longer occur."""
    for entry in entries:
        if entry.vendor in vendors and not entry.seen:
            report.line(WRONG, entry.vendor, entry.name, f"no longer differs, take it out of {SOURCE}", [])
