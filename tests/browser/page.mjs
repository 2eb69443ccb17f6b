// What the page does besides the flow: who can be acted as, where the focus goes, what the keys do, what is shown as it happens.

import { BEN, CLEO, FLOW, Visitor } from "./visitor.mjs";

const COMMAND = /^Command in/;

async function enter(page, address, name = CLEO) {
  const visitor = new Visitor(page, address);
  await visitor.enter(name);
  await visitor.open("#general");
  return visitor;
}

/** The page of an id that is nobody's names the people who can be acted as. */
export async function nobody(page, address, checks) {
  const answer = await page.goto(`${address}/?as=U1NOBODY`);
  checks.holds(answer.status() === 404, `status ${answer.status()} for a person who does not exist`);
  await page.getByRole("heading", { name: "U1NOBODY is not in this workspace" }).waitFor();
  await checks.look(page, "nobody");
  await new Visitor(page, address).become(CLEO);
}

/** The view is a modal dialog: it takes the focus, keeps it, and gives it back. */
export async function dialogs(page, address, checks) {
  const visitor = await enter(page, address);
  await visitor.command(FLOW);
  const dialog = page.getByRole("dialog");
  await page.locator("dialog:modal :focus").waitFor();
  checks.holds(await dialog.evaluate((item) => item.getAttribute("aria-labelledby") === "view-title"), "the dialog has a name");
  for (const key of ["Tab", "Shift+Tab"]) {
    for (let press = 0; press < 25; press += 1) {
      await page.keyboard.press(key);
      const isInside = await page.evaluate(() => document.querySelector("dialog").contains(document.activeElement));
      checks.holds(isInside, `the focus left the dialog after ${press + 1} times ${key}`);
    }
  }
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  await page.locator("#command:focus, .button.primary:focus").waitFor();
}

/** In the combobox arrows move, Enter selects, and Escape closes the list but not the dialog. */
export async function keyboard(page, address, checks) {
  await enter(page, address);
  await page.getByLabel(COMMAND).focus();
  await page.keyboard.type(FLOW);
  await page.keyboard.press("Enter");
  const box = page.getByRole("combobox", { name: "Repository" });
  await box.focus();
  await page.keyboard.press("ArrowDown");
  const list = page.getByRole("listbox", { name: "Repository" });
  await list.waitFor();
  checks.holds((await box.getAttribute("aria-expanded")) === "true", "the combobox says that it is open");
  await page.keyboard.press("Escape");
  await list.waitFor({ state: "hidden" });
  checks.holds(await page.getByRole("dialog").isVisible(), "Escape closes the list, and not the dialog");
  await page.keyboard.type("acme");
  await list.getByRole("option").nth(1).waitFor();
  await page.keyboard.press("ArrowDown");
  const active = await box.getAttribute("aria-activedescendant");
  const label = await page.locator(`[id="${active}"]`).textContent();
  await checks.look(page, "combobox");
  await page.keyboard.press("Enter");
  await list.waitFor({ state: "hidden" });
  checks.holds((await box.inputValue()) === label && label === "acme/website", `Enter selects the second option, got ${label}`);
  checks.holds(await page.getByRole("dialog").isVisible(), "Enter selects, and does not submit");
  // Typed text that selects nothing gives way to what is selected.
  await page.keyboard.type("nothing like it");
  await page.getByText("No option matches").waitFor();
  await page.keyboard.press("Escape");
  checks.holds((await box.inputValue()) === label, "what is selected stays");
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
}

/** What happens elsewhere is shown as it happens, and the heading stays that of the channel. */
export async function live(page, other, address, checks) {
  await enter(page, address, BEN);
  await page.getByLabel(COMMAND).fill("half a command");
  const elsewhere = await enter(other, address);
  await elsewhere.open("#access-requests");
  await elsewhere.command("/sym whoami");
  await elsewhere.message("You are cleo@example.com");
  await elsewhere.open("#general");
  await elsewhere.command("no command");
  await other.getByText("only slash commands are supported").waitFor();
  checks.holds((await page.getByRole("heading", { level: 1 }).textContent()) === "#general", "the heading is that of the channel");
  checks.holds((await page.locator("#composer input[name=channel]").first().getAttribute("value")) === "CGENERAL", "the command goes to the channel");
  checks.holds((await page.getByLabel(COMMAND).inputValue()) === "half a command", "what was typed stays");
  const sidebar = await page.locator("#nav").boundingBox();
  checks.holds(sidebar.height === page.viewportSize().height, "the sidebar reaches the bottom");
}
