"""Serves the quickstart, and checks its HTTP API with schemathesis and curl. `run` calls this; its help says what is checked."""

import argparse
import contextlib
import json
import os
import re
import secrets
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROLES = ["nobody", "guest", "member", "admin"]
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
# Streams do not end, and an export is not JSON: curl looks at them.
STREAMS = r"changes$|/audit/export$"
START_TIMEOUT = 60
REPOSITORY = "acme/website"


class Failed(Exception):
    """Something that the check has found."""


class Program:
    """The quickstart, serving on free ports with a store of its own."""

    def __init__(self, binary):
        self.dir = tempfile.TemporaryDirectory(prefix="conformance-api-")
        store = str(Path(self.dir.name) / "store.db")
        command = [binary, "serve", "--fake-slack=127.0.0.1:0", "--listen", "127.0.0.1:0", "--db", store]
        self.log = open(Path(self.dir.name) / "log", "w+")
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.log, text=True, cwd=self.dir.name)
        watchdog = threading.Timer(START_TIMEOUT, self.process.kill)
        watchdog.start()
        self.base = self.token = None
        for line in self.process.stdout:
            if found := re.search(r"(symbot_\w+)' (http://\S+/api/v1)/me", line):
                self.token, self.base = found.groups()
                break
        watchdog.cancel()
        if not self.base:
            self.log.seek(0)
            raise SystemExit(f"api: the program did not start: {self.log.read()}")
        # What it prints later must not fill the pipe.
        threading.Thread(target=self.process.stdout.read, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.log.close()
        self.dir.cleanup()

    def call(self, method, path, body=None, token=None):
        """Returns the answer to a call, which must succeed."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data=data, method=method)
        request.add_header("Authorization", f"Bearer {token or self.token}")
        if data is not None:
            request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            raise Failed(f"{method} {path}: {error.code} {error.read().decode()}") from error

    def bot(self, name, role):
        """Adds a bot with a role. Returns its id and a token."""
        bot = self.call("POST", "/bots", {"name": name})["id"]
        self.call("PATCH", f"/users/{bot}", {"role": role})
        token = self.call("POST", f"/bots/{bot}/tokens", {"label": "conformance", "for": "1d"})["token"]
        return bot, token


def ci(program, token):
    """Makes a request as a build does. Returns its Run."""
    flow = program.call("GET", "/flows/repository-access", token=token)
    inputs = {"repo_name": REPOSITORY, "urgency": "Normal", "reason": "größer", "duration": "30m"}
    environment = {**os.environ, "BASE": program.base, "TOKEN": token}
    command = [HERE / "ci.sh", flow["srn"], json.dumps(inputs), f"deploy-{secrets.token_hex(4)}"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    if done.returncode:
        raise Failed(f"ci.sh: {done.stderr}{done.stdout}")
    run = json.loads(done.stdout)
    if run["status"] != "requested":
        raise Failed(f"ci.sh: the request is {run['status']}, not requested")
    return run


def streams(program, token, run):
    """Checks with curl what schemathesis cannot wait for: a stream begins at once, and an export is of its type."""
    expected = [("/changes", "text/event-stream"), (f"/runs/{run}/changes", "text/event-stream")]
    for format, kind in [("jsonl", "application/x-ndjson"), ("csv", "text/csv")]:
        expected.append((f"/audit/export?format={format}", kind))
    for path, kind in expected:
        write = "%{http_code} %{content_type}"
        command = ["curl", "-sN", "--max-time", "2", "-o", os.devnull, "-w", write, "-H", f"Authorization: Bearer {token}"]
        done = subprocess.run([*command, program.base + path], capture_output=True, text=True, timeout=20)
        status, _, found = done.stdout.partition(" ")
        if status != "200" or not found.startswith(kind):
            raise Failed(f"GET {path}: {status} {found}, expected 200 {kind}")


def schemathesis(program, token, seconds, seed, ids):
    """Has schemathesis call the API, with made-up ids or with these. Returns its report if it has found something."""
    with tempfile.TemporaryDirectory() as directory:
        config = Path(directory) / "schemathesis.toml"
        pairs = (f"{json.dumps('path.' + name)} = {json.dumps(value)}\n" for name, value in ids.items())
        config.write_text("[parameters]\n" + "".join(pairs) if ids else "")
        command = [Path(sys.executable).with_name("schemathesis"), "--config-file", config, "run", f"{program.base}/openapi.json"]
        command += ["--url", program.base, "--checks", CHECKS, "--exclude-path-regex", STREAMS]
        command += ["--phases", "examples,coverage,fuzzing", "--max-time", str(seconds), "--seed", str(seed)]
        # `auto` waits as a 429 says, so that the limits hide nothing.
        command += ["--rate-limit", "auto", "--request-timeout", "30", "--continue-on-failure", "--warnings", "off"]
        if token:
            command += ["--header", f"Authorization:Bearer {token}"]
        environment = {**os.environ, "NO_COLOR": "1", "PYTHONUTF8": "1"}
        done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=seconds + 300, cwd=directory)
        if done.returncode not in (0, 1):
            raise SystemExit(f"api: schemathesis could not run: {done.stdout}{done.stderr}")
        cases = re.search(r"(\d+) generated", done.stdout)
        print(f"    {cases.group(1) if cases else 'no'} calls, {'ids of what exists' if ids else 'made-up ids'}", flush=True)
        return done.stdout if done.returncode else None


def check(binary, role, seconds, seed):
    """Checks the API for one role."""
    with contextlib.ExitStack() as stack:
        program = stack.enter_context(Program(binary))
        _, member = program.bot("build", "member")
        # Others than those that call: schemathesis deletes what it finds.
        target, _ = program.bot("target", "member")
        # One for each pass, so that neither waits for the rate of the other.
        first, second = (None if role == "nobody" else program.bot(name, role)[1] for name in ("first", "second"))
        run = ci(program, member)
        streams(program, program.token, run["run_id"])
        token_id = program.call("GET", f"/bots/{target}/tokens")["tokens"][0]["id"]
        event = program.call("GET", f"/runs/{run['run_id']}/timeline")["entries"][0]["event"]["id"]
        ids = {"run": run["run_id"], "event": event, "flow": "repository-access", "field": "repo_name"}
        ids |= {"user": target, "bot": target, "token": token_id}
        passes = [schemathesis(program, first, seconds // 2, seed, {}), schemathesis(program, second, seconds // 2, seed, ids)]
        if program.process.poll() is not None:
            raise Failed("the program has ended")
        if found := [report for report in passes if report]:
            raise Failed("\n".join(found))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("roles", nargs="*", default=ROLES)
    arguments = parser.parse_args()
    failed = False
    for role in arguments.roles or ROLES:
        print(f"{role}", flush=True)
        try:
            check(arguments.program, role, max(arguments.seconds, 2), arguments.seed)
        except Failed as found:
            failed = True
            print(f"    FAILED\n{found}", flush=True)
    print("api: something was found" if failed else "api: nothing was found")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
