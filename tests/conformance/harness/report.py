"""The report of the comparison: its lines, and their totals."""

from .compare import Documented

SAME, MEANT, WRONG = "same", "differs as documented", "differs"


class Report:
    """Prints lines and counts them by outcome."""

    def __init__(self) -> None:
        self._counts = dict.fromkeys((SAME, MEANT, WRONG), 0)

    def step(self, text: str) -> None:
        print(f"\n-- {text}", flush=True)

    def line(self, verdict: str, vendor: str, call: str, what: str, reasons: list[str]) -> None:
        self._counts[verdict] += 1
        print(f"{verdict:<21}  {vendor:<9}  {call:<22}  {what}", flush=True)
        for reason in reasons:
            print(f"{'':<21}    {reason}", flush=True)

    def close(self, entries: list[Documented]) -> bool:
        """Prints the reasons for documented differences and the totals. Returns whether everything matched."""
        if seen := [entry for entry in entries if entry.seen]:
            self.step("why these differences are intended")
        for entry in seen:
            print(f"{entry.name}: {entry.why}")
        counts = self._counts
        print(f"\nconformance: {counts[SAME]} same, {counts[MEANT]} differ as documented, {counts[WRONG]} differ", flush=True)
        return counts[WRONG] == 0 and counts[SAME] > 0
