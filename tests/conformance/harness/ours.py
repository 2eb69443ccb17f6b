"""Builds the program that calls our clients, and runs it."""

import json
import subprocess
from pathlib import Path
from typing import Any

from .servers import Broken

PROJECT = Path(__file__).resolve().parents[3]
BUILT_WITHIN = 900
CALLED_WITHIN = 30


def build() -> Path:
    """Returns the program, which is built first."""
    command = ["cargo", "build", "--package", "conformance", "--message-format", "json-render-diagnostics"]
    try:
        built = subprocess.run(command, cwd=PROJECT, stdout=subprocess.PIPE, timeout=BUILT_WITHIN, check=True, text=True)
    except subprocess.TimeoutExpired:
        raise Broken(f"the program was not built within {BUILT_WITHIN} s") from None
    except subprocess.CalledProcessError as error:
        raise Broken(f"the program could not be built: cargo ended with {error.returncode}") from None
    for line in built.stdout.splitlines():
        message = json.loads(line)
        if message.get("executable") and message["target"]["name"] == "conformance":
            return Path(message["executable"])
    raise Broken("cargo names no program `conformance`")


class Ours:
    """Our client of one vendor. Each call is a process of its own, so that none uses what another has cached."""

    def __init__(self, program: Path, vendor: str, base_url: str, settings: dict[str, str]) -> None:
        self._program, self._vendor, self._base_url, self._settings = program, vendor, base_url, settings

    def call(self, name: str, arguments: dict[str, Any], settings: dict[str, str] | None = None) -> dict[str, Any]:
        """`{"result": ...}`, or `{"error": {"kind": ..., "code": ..., "status": ..., "message": ...}}`."""
        request = {
            "vendor": self._vendor,
            "base_url": self._base_url,
            "settings": {**self._settings, **(settings or {})},
            "call": name,
            "arguments": arguments,
        }
        try:
            done = subprocess.run(
                [self._program],
                input=json.dumps(request),
                capture_output=True,
                env={},
                timeout=CALLED_WITHIN,
                text=True,
            )
        except subprocess.TimeoutExpired:
            return {"error": {"kind": "hangs", "message": f"no result within {CALLED_WITHIN} s"}}
        if done.returncode != 0:
            raise Broken(f"our program ended with {done.returncode} at {self._vendor} {name}: {done.stderr.strip()}")
        return json.loads(done.stdout)
