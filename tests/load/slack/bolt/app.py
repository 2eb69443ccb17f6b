"""The two handlers in Bolt for Python, as in its documentation."""

import asyncio
import json
import logging
import os
import sys

import uvicorn
from slack_bolt.adapter.asgi.async_handler import AsyncSlackRequestHandler
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient

with open(sys.argv[1], encoding="utf-8") as file:
    SETUP = json.load(file)

OPTIONS = [
    (label.lower(), {"text": {"type": "plain_text", "text": label, "emoji": False}, "value": label})
    for label in SETUP["options"]
]
PEOPLE = {person["account"]: person for person in SETUP["people"]}
REQUESTS = {request["run"]: {**request, "status": "pending"} for request in SETUP["pending"]}
FILE = None if SETUP["file"] is None else os.open(SETUP["file"], os.O_CREAT | os.O_APPEND | os.O_WRONLY)


def begins_word(label, word):
    at = label.find(word)
    while at >= 0:
        if at == 0 or not label[at - 1].isalnum():
            return True
        at = label.find(word, at + 1)
    return False


def match_rank(label, typed, words):
    if label == typed:
        return 0
    if label.startswith(typed):
        return 1
    if all(begins_word(label, word) for word in words):
        return 2
    if all(word in label for word in words):
        return 3
    return None


def suggest(text):
    """Returns the best hundred options that match the typed text."""
    typed = text.strip().lower()
    words = typed.split()
    found = ([], [], [], [])
    for label, option in OPTIONS:
        rank = match_rank(label, typed, words)
        if rank is not None:
            found[rank].append(option)
    return [option for options in found for option in options][:100]


def append(line):
    os.write(FILE, line)
    os.fdatasync(FILE)


async def authorize():
    return AuthorizeResult(
        enterprise_id=None, team_id="T012AB3CD", bot_token="xoxb-load", bot_id="B0BOT", bot_user_id="U0BOT"
    )


logging.basicConfig(level=logging.ERROR)
app = AsyncApp(
    signing_secret=SETUP["signing_secret"],
    authorize=authorize,
    client=AsyncWebClient(token="xoxb-load", base_url=SETUP["api"]),
)


@app.options("value")
async def on_typing(ack, payload):
    await ack(options=suggest(payload["value"]))


@app.action("approve")
async def on_approve(ack, action, body, client):
    person = PEOPLE.get(body["user"]["id"])
    request = REQUESTS.get(action["value"])
    if (
        person is None
        or request is None
        or request["status"] != "pending"
        or request["requester"] == person["account"]
    ):
        await ack("This cannot be approved.")
        return
    request["status"] = "approved"
    request["by"] = person["email"]
    if FILE is not None:
        line = json.dumps({"run": request["run"], "by": request["by"], "at": action["action_ts"]}) + "\n"
        await asyncio.to_thread(append, line.encode())
    await ack()
    if SETUP["notifies"]:
        # As ours: the message and the requester's receipt show the approval, and then that access was granted, of which the requester is told.
        shown = [block for block in body["message"]["blocks"] if block["type"] != "actions"]
        for text in (f"Approved by {person['email']}.", "Access is granted."):
            blocks = [*shown, {"type": "context", "elements": [{"type": "mrkdwn", "text": text}]}]
            for channel in (request["channel"], request["requester"]):
                await client.chat_update(channel=channel, ts=request["ts"], text=text, blocks=blocks)
        await client.chat_postMessage(channel=request["requester"], text="You have access.")


async def main():
    config = uvicorn.Config(
        AsyncSlackRequestHandler(app), host="127.0.0.1", port=0, log_level="error", access_log=False
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    print(json.dumps({"port": port}), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    approved = sum(request["status"] == "approved" for request in REQUESTS.values())
    print(json.dumps({"approved": approved}), flush=True)
    server.should_exit = True
    await serving


asyncio.run(main())
