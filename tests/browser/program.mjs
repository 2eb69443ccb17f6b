// The program under test: the quickstart with the fake Slack, on free ports, with a database and a configuration of its own.

import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

// Of access for 30 minutes, the requester is warned three seconds after it was granted.
const SETTINGS = 'strategy_id = sym_strategy.code_host.id\n    expiry_warnings = ["1797s"]';

/** Writes the quickstart's configuration, with what the test needs besides, and returns its directory. */
function configuration(folder) {
  const flow = readFileSync(new URL("../../examples/quickstart/flow.tf", import.meta.url), "utf8");
  const place = SETTINGS.split("\n")[0];
  if (flow.split(place).length !== 2) throw new Error(`flow.tf should have \`${place}\` once`);
  const config = join(folder, "config");
  mkdirSync(config);
  writeFileSync(join(config, "flow.tf"), flow.replace(place, SETTINGS));
  return config;
}

/** Starts the program, and resolves with the addresses of the fake Slack and of the console, a token of an administrator, and a function that stops all. */
export async function start(program) {
  const folder = mkdtempSync(join(tmpdir(), "fake-slack-"));
  const options = ["serve", "--config", configuration(folder), "--listen", "127.0.0.1:0", "--fake-slack=127.0.0.1:0", "--db", join(folder, "sym-fake.db")];
  const child = spawn(program, options, { stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise((resolve) => child.on("exit", resolve));
  const addresses = new Promise((resolve, reject) => {
    child.on("error", reject);
    ended.then((code) => reject(new Error(`the program ended with ${code} before it served`)));
    let address, consoleAddress;
    createInterface({ input: child.stdout }).on("line", (line) => {
      address ??= line.match(/^Fake Slack: (http:\/\/[0-9.:]+)/)?.[1];
      const console = line.match(/^Console: open (http:\/\/[0-9.:]+)/)?.[1];
      const token = line.match(/Bearer (symbot_\w+)/)?.[1];
      consoleAddress ??= console;
      if (token) resolve({ address, console: consoleAddress, token });
    });
  });
  const stop = async () => {
    child.kill("SIGINT");
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    return { ...(await addresses), stop };
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}
