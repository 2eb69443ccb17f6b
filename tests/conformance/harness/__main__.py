"""The comparison, from `../run`."""

import argparse
import contextlib
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

from . import emulate, fixtures, moto, ours
from .compare import documented
from .recorded import SOURCE, Comparison, unseen
from .recorder import Recorder
from .report import Report
from .servers import Broken

HERE = Path(__file__).resolve().parents[1]
VENDORS = ["github", "google", "jira", "okta", "onelogin", "pagerduty", "slack", "aws"]
DONE_WITHIN = 300


def main(vendors: list[str], program: Path | None) -> int:
    report = Report()
    entries = documented(HERE / SOURCE)
    if program is None:
        report.step("building the program that calls our clients")
        program = ours.build()
    started = time.monotonic()
    signal.alarm(DONE_WITHIN)
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="conformance-")))
        _forget_the_machine(folder)
        for stand_in in (emulate, fixtures, moto):
            if wanted := [vendor for vendor in vendors if vendor in stand_in.VENDORS]:
                report.step(f"our clients against {stand_in.NAME}: {', '.join(wanted)}")
                stand_in.check(wanted, program, HERE / ".installed", folder, report)
        recorder = stack.enter_context(Recorder())
        for vendor in vendors:
            report.step(f"{vendor}: our client beside the vendor's own")
            Comparison(vendor, program, HERE / "scenarios", entries, report).run(recorder)
    unseen(vendors, entries, report)
    fine = report.close(entries)
    print(f"conformance: {time.monotonic() - started:.0f} s", flush=True)
    return 0 if fine else 1


def _forget_the_machine(folder: Path) -> None:
    """Removes the user's own settings, such as profiles and proxies, from the environment."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TZ") if name in os.environ}
    os.environ.clear()
    os.environ.update(kept, HOME=str(folder), AWS_EC2_METADATA_DISABLED="true")


def _stop(number: int, _: object) -> None:
    # The blocks that started servers stop them on exit.
    raise SystemExit(128 + number)


def _too_long(*_: object) -> None:
    # An exception that the comparison cannot mistake for one of a client's.
    print(f"conformance: not done within {DONE_WITHIN} s", file=sys.stderr)
    raise SystemExit(2)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="harness")
    parser.add_argument("--program", type=Path)
    parser.add_argument("vendors", nargs="*")
    options = parser.parse_args()
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, _stop)
    signal.signal(signal.SIGALRM, _too_long)
    try:
        code = main(options.vendors or VENDORS, options.program)
    except Broken as broken:
        print(f"conformance: {broken}", file=sys.stderr)
        code = 2
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)
