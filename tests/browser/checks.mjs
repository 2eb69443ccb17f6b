// What must hold of every page: no error on the console, nothing that axe finds, nothing that is too wide or too small to be tapped.

import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const axe = readFileSync(createRequire(new URL(".installed/package.json", import.meta.url)).resolve("axe-core/axe.min.js"), "utf8");

/** Least height of what is tapped, in pixels. */
const LEAST_TAP_HEIGHT = 44;

const WIDTHS = [320, 1280];
const SCHEMES = ["light", "dark"];
const HEIGHTS = { 320: 640, 1280: 800 };

export class Checks {
  constructor(folder) {
    this.folder = folder;
    this.problems = [];
    this.screenshots = 0;
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
  }

  /** Collects the errors of a page, except those that the test expects. */
  listen(page, expected = /(?!)/) {
    const note = (text) => { if (!expected.test(text)) this.problems.push(`console: ${text} (${page.url()})`); };
    page.on("console", (message) => { if (message.type() === "error") note(message.text()); });
    page.on("pageerror", (error) => note(String(error)));
  }

  holds(condition, what) {
    if (!condition) this.problems.push(what);
  }

  /** Looks at the page as it is now in each colour scheme and width, and takes a screenshot of each. axe is a script itself, and without scripts
   * the styles are the same. */
  async look(page, name, isScripted = true) {
    const size = page.viewportSize();
    for (const colorScheme of isScripted ? SCHEMES : SCHEMES.slice(0, 1)) {
      await page.emulateMedia({ colorScheme });
      for (const width of WIDTHS) {
        await page.setViewportSize({ width, height: HEIGHTS[width] });
        const where = `${name}, ${colorScheme}, ${width} px`;
        await page.screenshot({ path: join(this.folder, `${name}-${width}-${colorScheme}.png`) });
        this.screenshots += 1;
        if (!isScripted) continue;
        for (const violation of await this.violations(page)) this.problems.push(`axe: ${violation} (${where})`);
        if (width === Math.min(...WIDTHS)) await this.phone(page, where);
      }
    }
    await page.emulateMedia({ colorScheme: "light" });
    await page.setViewportSize(size);
  }

  async violations(page) {
    if (!(await page.evaluate("typeof axe === 'object'"))) await page.evaluate(axe);
    const { violations } = await page.evaluate("axe.run({ resultTypes: ['violations'] })");
    return violations.flatMap(({ id, help, nodes }) => nodes.map(({ target, failureSummary }) =>
      `${id}: ${help}: ${target.join(" ")} ${failureSummary.replace(/\s+/g, " ")}`));
  }

  async phone(page, where) {
    const { wide, small } = await page.evaluate((least) => {
      const shown = (item) => item.checkVisibility({ visibilityProperty: true }) && !item.closest("[aria-hidden=true], [inert]");
      const inSentence = (item) => item.tagName === "A" && getComputedStyle(item).display === "inline";
      const dialog = document.querySelector("dialog:modal");
      const controls = [...(dialog ?? document).querySelectorAll("a, button, summary, select, textarea, label.tick, input:not([type=hidden], [type=radio], [type=checkbox])")];
      const describe = (item) => `${item.tagName.toLowerCase()} “${(item.getAttribute("aria-label") ?? item.textContent ?? "").trim().slice(0, 30)}”`;
      return {
        wide: document.documentElement.scrollWidth > innerWidth,
        small: controls.filter((item) => shown(item) && !inSentence(item) && item.getBoundingClientRect().height < least - 0.5)
          .map((item) => `${describe(item)} is ${item.getBoundingClientRect().height} px high`),
      };
    }, LEAST_TAP_HEIGHT);
    this.holds(!wide, `the page scrolls sideways (${where})`);
    for (const item of small) this.problems.push(`tap target: ${item} (${where})`);
  }
}
