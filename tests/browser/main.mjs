// Clicks through the page of the fake Slack: usage: node main.mjs PROGRAM FOLDER-FOR-SCREENSHOTS
//
// Nothing waits for a time: locators wait for what they name, and the test fails if that does not come.

import { createRequire } from "node:module";
import process from "node:process";

import { Checks } from "./checks.mjs";
import { dialogs, keyboard, live, nobody } from "./page.mjs";
import { start } from "./program.mjs";
import { requestAndDecide } from "./flow.mjs";

const { chromium } = createRequire(new URL(".installed/package.json", import.meta.url))("playwright-core");

/** The time for one locator or page. It only decides when a failure is reported. */
const TIMEOUT_MS = 30_000;

const [program, folder] = process.argv.slice(2);
const checks = new Checks(folder);
const { address, stop } = await start(program);
let browser;
try {
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] });
  const context = async (options, expected) => {
    const made = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: "en-GB", timezoneId: "UTC", ...options });
    made.setDefaultTimeout(TIMEOUT_MS);
    const page = await made.newPage();
    checks.listen(page, expected);
    return page;
  };
  const steps = [
    ["a person who does not exist", async () => nobody(await context({}, /404/), address, checks)],
    ["request and decide, with scripts", async () => requestAndDecide(await context({}), address, checks, true)],
    ["the dialog and its focus", async () => dialogs(await context({}), address, checks)],
    ["the combobox by keyboard", async () => keyboard(await context({}), address, checks)],
    ["live updates", async () => live(await context({}), await context({}), address, checks)],
    ["request and decide, without scripts", async () => requestAndDecide(await context({ javaScriptEnabled: false }), address, checks, false)],
  ];
  for (const [name, step] of steps) {
    console.log(`browser: ${name}`);
    try {
      await step();
    } catch (error) {
      checks.problems.push(`${name}: ${error.message}`);
      let number = 0;
      for (const open of browser.contexts().flatMap((made) => made.pages())) {
        await open.screenshot({ path: `${folder}/failed-${number++}.png` }).catch(() => {});
      }
    }
    for (const made of browser.contexts()) await made.close();
  }
} finally {
  await browser?.close();
  await stop();
}
for (const problem of [...new Set(checks.problems)]) console.error(`browser: ${problem}`);
console.log(`browser: ${checks.problems.length} problems; ${checks.screenshots} screenshots in ${folder}`);
process.exitCode = checks.problems.length ? 1 : 0;
