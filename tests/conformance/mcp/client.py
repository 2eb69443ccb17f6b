"""Goes through a request with the protocol's SDK for Python: client.py URL TOKEN legacy|auto.

Requests for `prod-db` are approved at once by the server that runs this, and those for `staging` never.
"""

import asyncio
import sys

import httpx2
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client

TOOLS = {
    "list_flows",
    "describe_flow",
    "find_options",
    "preview_request",
    "request_access",
    "wait_for_request",
    "list_requests",
    "list_access",
    "give_back",
}


async def call(client, tool, **arguments):
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result
    return result.structured_content


async def main(url, token, mode):
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx2.AsyncClient(headers=headers, timeout=60) as http:
        async with Client(streamable_http_client(url, http_client=http), mode=mode) as client:
            listed = await client.list_tools()
            assert {tool.name for tool in listed.tools} == TOOLS, listed
            flows = await call(client, "list_flows")
            assert [flow["name"] for flow in flows["flows"]] == ["plan", "prod"], flows
            await call(client, "describe_flow", flow="prod")
            open_request = await call(client, "request_access", flow="prod", target="staging", duration="1h")
            waiting = await call(client, "wait_for_request", run_id=open_request["run_id"], seconds=0)
            assert waiting["still_waiting"] and waiting["state"] == "waiting_for_decision", waiting
            await call(client, "give_back", run_id=open_request["run_id"])
            requested = await call(client, "request_access", flow="prod", target="prod-db", duration="1h")
            held = await call(client, "wait_for_request", run_id=requested["run_id"])
            assert held["state"] == "held", held
            again = await call(client, "request_access", flow="prod", target="prod-db", duration="1h")
            assert again["already_open"] and again["run_id"] == requested["run_id"], again
            refused = await client.call_tool("give_back", {})
            assert refused.is_error, refused
            # Over a session, its end gives back what is held.
            if mode != "legacy":
                await call(client, "give_back", everything=True)


asyncio.run(main(*sys.argv[1:]))
print("done")
