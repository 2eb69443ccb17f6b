// Clicks through the page of the fake Slack and the console: usage: node main.mjs PROGRAM FOLDER-FOR-SCREENSHOTS [PART-OF-A-STEP-NAME [FOLDER-FOR-PICTURES]]
//
// Nothing waits for a time: locators wait for what they name, and the test fails if that does not come.

import { createRequire } from "node:module";
import process from "node:process";

import { Checks } from "./checks.mjs";
import { dialogs, keyboard, live, nobody } from "./page.mjs";
import { start } from "./program.mjs";
import { commands, empty } from "./commands.mjs";
import { both, decided, ended, everyPage, request, windows, withoutStream } from "./console.mjs";
import { writePictures } from "./pictures.mjs";
import { granted, refused, twice, urgent } from "./flow.mjs";

const { chromium } = createRequire(new URL(".installed/package.json", import.meta.url))("playwright-core");

/** The time for one locator or page. It only decides when a failure is reported. */
const TIMEOUT_MS = 30_000;

/** Playwright's account of a failure: what was waited for, without everything that was tried. */
function brief(error) {
  const lines = error.message.replace(/\u001b\[\d+m/g, "").split("\n").map((line) => line.trim());
  const place = error.stack.match(/(console|flow|commands|page|visitor)\.mjs:\d+/g)?.join(" < ");
  return [...lines.filter((line) => line && line !== "Call log:").slice(0, 3), place].join(" ");
}

const [program, folder, only = "", pictures = ""] = process.argv.slice(2);
const checks = new Checks(folder);
const { address, console: consoleAddress, token, stop } = await start(program).catch((error) => {
  console.error(`browser: ${error.message}`);
  process.exit(2);
});
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
  const unscripted = { javaScriptEnabled: false };
  const steps = [
    ["a person who does not exist", async () => nobody(await context({}, /404/), address, checks)],
    ["before anything was requested", async () => empty(await context({}), address, checks)],
    ["commands, shortcut and list", async () => commands(await context({}), address, checks)],
    ["approved for less, extended, given back", async () => granted(await context({}), address, checks, true)],
    ["denied, withdrawn", async () => refused(await context({}), address, checks, true)],
    ["requested twice", async () => twice(await context({}), address, checks)],
    ["urgent", async () => urgent(await context({}), address, checks)],
    ["the dialog and its focus", async () => dialogs(await context({}), address, checks)],
    ["the combobox by keyboard", async () => keyboard(await context({}), address, checks)],
    ["live updates", async () => live(await context({}), await context({}), address, checks)],
    ["approved for less, extended, given back, without scripts", async () => granted(await context(unscripted), address, checks, false)],
    ["denied, withdrawn, without scripts", async () => refused(await context(unscripted), address, checks, false)],
    ["console: a request, its form and who would decide", async () => request(await context({}, /400/), consoleAddress, checks, true)],
    ["console: approved, held, given back", async () => decided(await context({}), await context({}), consoleAddress, checks, true)],
    ["console: every page, for an administrator", async () => everyPage(await context({}, /404/), consoleAddress, token, checks)],
    ["console: requested there, decided in Slack, live", async () => both(await context({}), await context({}), consoleAddress, address, checks)],
    ["console: eight windows share one stream", async () => windows(await context({}), await context({}), consoleAddress, checks)],
    ["console: without a stream", async () => withoutStream(await context({}, /503/), await context({}), consoleAddress, checks)],
    ["console: the session ends in the middle of a form", async () => ended(await context({}, /401/), consoleAddress, checks, true)],
    ["console: the session ends in the middle of a form, without scripts", async () => ended(await context(unscripted, /401/), consoleAddress, checks, false)],
    ["console: a request, without scripts", async () => request(await context(unscripted, /400/), consoleAddress, checks, false)],
    ["console: approved, held, given back, without scripts", async () => decided(await context(unscripted), await context(unscripted), consoleAddress, checks, false)],
  ];
  const chosen = steps.filter(([name]) => name.includes(only));
  if (!chosen.length) checks.problems.push(`no step is named \`${only}\`: ${steps.map(([name]) => name).join("; ")}`);
  for (const [name, step] of chosen) {
    console.log(`browser: ${name}`);
    try {
      await step();
    } catch (error) {
      checks.problems.push(`${name}: ${brief(error)}`);
      let number = 0;
      for (const open of browser.contexts().flatMap((made) => made.pages())) {
        await open.screenshot({ path: `${folder}/failed-${name.replace(/\W+/g, "-")}-${number++}.png` }).catch(() => {});
      }
    }
    for (const made of browser.contexts()) await made.close();
  }
  if (pictures) await writePictures(browser, folder, pictures, checks);
} finally {
  await browser?.close();
  await stop();
}
for (const problem of [...new Set(checks.problems)]) console.error(`browser: ${problem}`);
console.log(`browser: ${checks.problems.length} problems; ${checks.screenshots} screenshots in ${folder}`);
process.exitCode = checks.problems.length ? 1 : 0;
