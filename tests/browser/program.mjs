// The program under test: the quickstart with the fake Slack, on free ports and a database of its own.

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** Starts the program, and resolves with the address of the fake Slack and a function that stops both. */
export async function start(program) {
  const folder = mkdtempSync(join(tmpdir(), "fake-slack-"));
  const options = ["serve", "--listen", "127.0.0.1:0", "--fake-slack=127.0.0.1:0", "--db", join(folder, "sym-fake.db")];
  const child = spawn(program, options, { stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise((resolve) => child.on("exit", resolve));
  const address = new Promise((resolve, reject) => {
    child.on("error", reject);
    ended.then((code) => reject(new Error(`the program ended with ${code} before it served`)));
    createInterface({ input: child.stdout }).on("line", (line) => {
      const found = line.match(/^Fake Slack: (http:\/\/[0-9.:]+)/);
      if (found) resolve(found[1]);
    });
  });
  const stop = async () => {
    child.kill("SIGINT");
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  return { address: await address, stop };
}
