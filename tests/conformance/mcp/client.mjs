// Goes through a request with the protocol's SDK for TypeScript: client.mjs URL TOKEN.
//
// Requests for `prod-db` are approved at once by the server that runs this, and those for `staging` never.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const require = createRequire(pathToFileURL(`${process.env.MCP_CLIENTS}/node_modules/`));
const load = (path) => import(pathToFileURL(require.resolve(`@modelcontextprotocol/sdk/${path}`)));
const { Client } = await load("client/index.js");
const { StreamableHTTPClientTransport } = await load("client/streamableHttp.js");

const [url, token] = process.argv.slice(2);
const client = new Client({ name: "conformance", version: "1" });
const requestInit = { headers: { Authorization: `Bearer ${token}` } };
const transport = new StreamableHTTPClientTransport(new URL(url), { requestInit });
await client.connect(transport);

const call = async (name, args) => {
    const result = await client.callTool({ name, arguments: args });
    assert.ok(!result.isError, JSON.stringify(result));
    return result.structuredContent;
};

const { tools } = await client.listTools();
assert.equal(tools.length, 9);
assert.deepEqual((await call("list_flows", {})).flows.map((flow) => flow.name), ["plan", "prod"]);
const open = await call("request_access", { flow: "prod", target: "staging", duration: "1h" });
const waiting = await call("wait_for_request", { run_id: open.run_id, seconds: 0 });
assert.ok(waiting.still_waiting);
await call("give_back", { run_id: open.run_id });
const requested = await call("request_access", { flow: "prod", target: "prod-db", duration: "1h" });
const held = await call("wait_for_request", { run_id: requested.run_id });
assert.equal(held.state, "held");
const refused = await client.callTool({ name: "give_back", arguments: {} });
assert.ok(refused.isError);
// Its end gives back what is held.
await transport.terminateSession();
await client.close();

// Without a token, the client is told so, and does not look for another way to sign in.
const nobody = new StreamableHTTPClientTransport(new URL(url));
await assert.rejects(new Client({ name: "conformance", version: "1" }).connect(nobody), /401|credentials|Unauthorized/i);
console.log("done");
