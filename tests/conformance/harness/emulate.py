"""Our Okta and Slack clients against emulate, which keeps users, groups, channels and messages."""

import json
import os
import urllib.parse
import urllib.request
from functools import partial
from pathlib import Path

from .expect import Expect
from .ours import PROJECT, Ours
from .report import Report
from .servers import free_port, server

NAME = "emulate"
VENDORS = ["okta", "slack"]
PRELOAD = PROJECT / "tests/conformance/loopback.cjs"
PEOPLE = ["ada@example.com", "grace@example.com", "edsger@example.com"]
OKTA_TOKEN, SLACK_TOKEN, NARROW_TOKEN = "00okta-token", "xoxb-all", "xoxb-narrow"


def check(vendors: list[str], program: Path, installed: Path, folder: Path, report: Report) -> None:
    ports = {vendor: free_port() for vendor in VENDORS}
    urls = {vendor: f"http://127.0.0.1:{port}" for vendor, port in ports.items()}
    seed = folder / "emulate.json"
    seed.write_text(json.dumps(_seed(ports, urls)))
    command = ["node", "--require", str(PRELOAD), str(installed / "npm/node_modules/emulate/dist/index.js")]
    command += ["start", "--service", ",".join(VENDORS), "--seed", str(seed)]
    env = {"HOME": str(folder), "PATH": os.environ["PATH"]}
    with server(NAME, command, list(ports.values()), env, folder / "emulate.log"):
        if "okta" in vendors:
            _check_okta(Expect("okta", Ours(program, "okta", urls["okta"], {"api_token": OKTA_TOKEN}), report))
        if "slack" in vendors:
            _check_slack(
                Expect("slack", Ours(program, "slack", urls["slack"], {"api_token": SLACK_TOKEN}), report), urls["slack"]
            )


def _seed(ports: dict[str, int], urls: dict[str, str]) -> dict[str, object]:
    okta_users = [
        {"okta_id": f"00u{number}", "login": email, "email": email, "first_name": email.split("@")[0]}
        for number, email in enumerate(PEOPLE, 1)
    ]
    slack_users = [{"name": email.split("@")[0], "email": email} for email in PEOPLE]
    return {
        "tokens": {OKTA_TOKEN: {"login": "ada@example.com", "scopes": []}},
        "okta": {
            "port": ports["okta"],
            "baseUrl": urls["okta"],
            "users": okta_users,
            "groups": [
                {"okta_id": "00gops", "name": "ops", "type": "OKTA_GROUP"},
                {"okta_id": "00gdev", "name": "dev", "type": "OKTA_GROUP"},
            ],
            "group_memberships": [{"group_okta_id": "00gops", "user_okta_id": "00u1"}],
        },
        "slack": {
            "port": ports["slack"],
            "baseUrl": urls["slack"],
            "users": slack_users,
            "channels": [{"name": "ops"}],
            "tokens": [
                {"token": SLACK_TOKEN, "user": "ada"},
                {"token": NARROW_TOKEN, "user": "ada", "scopes": ["users:read"]},
            ],
            "strict_scopes": True,
        },
    }


def _check_okta(expect: Expect) -> None:
    ada, grace, _ = PEOPLE
    ops = {"group_id": "00gops"}
    expect.result("of ops", "users_in_group", ops, [ada])
    expect.result("a member", "is_user_in_group", {"user": ada, **ops}, True)
    expect.result("no member", "is_user_in_group", {"user": grace, **ops}, False)
    expect.result("not those of type BUILT_IN", "list_groups", {}, ["00gops", "00gdev"])
    expect.result("by login", "get_user_info", {"user": grace}, {"id": "00u2", "email": grace, "status": "ACTIVE"})
    for what, members in (("a grant", [ada, grace]), ("the same grant again", [ada, grace])):
        expect.result(what, "add_user_to_group", {"user": grace, **ops}, None)
        expect.result(f"after {what}", "users_in_group", ops, members)
    for what in ("a revocation", "the same revocation again"):
        expect.result(what, "remove_user_from_group", {"user": grace, **ops}, None)
        expect.result(f"after {what}", "users_in_group", ops, [ada])
    nowhere = {"group_id": "00gnowhere"}
    missing = ("NotFound", "Okta:GROUP_NOT_FOUND")
    expect.error("no such group", "users_in_group", nowhere, *missing)
    expect.error("no such group", "is_user_in_group", {"user": ada, **nowhere}, *missing)
    # Okta names the group here and emulate does not, so the missing object could be the user as well.
    expect.error("a grant, no such group", "add_user_to_group", {"user": ada, **nowhere}, "NotFound")
    expect.error("a revocation, no such group", "remove_user_from_group", {"user": ada, **nowhere}, *missing)


def _text_of(url: str, channel: str, ts: str) -> str | None:
    form = urllib.parse.urlencode({"channel": channel, "latest": ts, "inclusive": "true"}).encode()
    request = urllib.request.Request(f"{url}/api/conversations.history", form, {"Authorization": f"Bearer {SLACK_TOKEN}"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        messages = json.load(answer).get("messages", [])
    return next((message["text"] for message in messages if message["ts"] == ts), None)


def _check_slack(expect: Expect, url: str) -> None:
    text_of = partial(_text_of, url)
    ada, _, edsger = PEOPLE
    expect.result("in #ops", "users_in_channel", {"channel": "#ops"}, ["admin@emulate.dev", *PEOPLE])
    expect.error("no such channel", "users_in_channel", {"channel": "#nowhere"}, "NotFound", "Slack:CHANNEL_NOT_FOUND")
    expect.error("nobody of this address", "user", {"identifier": "nobody@example.com"}, "NotFound")
    expect.error("a missing scope", "user", {"identifier": ada}, "Forbidden", api_token=NARROW_TOKEN)
    expect.sends("to a channel", "send_message", {"channel": "C000000001", "text": "hello"}, text_of)
    expect.sends("to a user", "send_message_to_user", {"user": edsger, "text": "hello &lt;ada&gt; &amp; all"}, text_of)
    expect.error(
        "to no channel", "send_message", {"channel": "C0NOWHERE", "text": "hello"}, "NotFound", "Slack:CHANNEL_NOT_FOUND"
    )
