// A whole flow as requester and approver: request with type-ahead, approve, give back; request, deny; request, withdraw.

export const FLOW = "/sym req repository-access";
export const CLEO = "Cleo";
export const BEN = "Ben";

// A button of a request in the channel, and what the request says afterwards. The reasons must not match it.
const APPROVE = { button: "Approve", outcome: /Approved by/ };
const DENY = { button: "Deny", outcome: /Denied by/ };
const WITHDRAW = { button: "Deny", outcome: /Withdrawn by/ };
const GIVE_BACK = /^Give back/;

/** Chooses a person on the first page or in the sidebar. */
export async function become(page, name) {
  const link = page.getByRole("navigation", { name: "People and channels" }).or(page.locator("body.welcome")).getByRole("link", { name: new RegExp(`\\b${name}\\b`, "i") });
  await link.first().click();
  await page.locator("[aria-current=true]", { hasText: new RegExp(name, "i") }).waitFor();
}

/** Opens a channel by its name. */
export async function open(page, name) {
  await page.locator("#channels").getByRole("link", { name }).click();
  await page.getByRole("heading", { level: 1, name }).waitFor();
}

/** Enters a command. */
export async function command(page, text) {
  await page.getByLabel(/^Command in/).fill(text);
  await page.getByRole("button", { name: "Send" }).click();
}

/** Waits for a message with this text, and returns the latest. */
export async function message(page, text, isScripted) {
  const found = page.locator("article", { hasText: text });
  await eventually(page, found, isScripted);
  return found.last();
}

/** Waits for an element. Without scripts the visitor refreshes the page until it is there. */
async function eventually(page, locator, isScripted) {
  if (isScripted) return locator.last().waitFor();
  for (const deadline = Date.now() + 30_000; !(await locator.count());) {
    if (Date.now() > deadline) throw new Error(`never there: ${locator}`);
    await page.getByRole("link", { name: "Refresh" }).click();
  }
}

/** Fills in the form and submits it. The repository is found by typing a part of its name. */
async function fill(page, reason, isScripted, checks) {
  const dialog = page.getByRole("dialog");
  await eventually(page, dialog, isScripted);
  const repository = dialog.getByRole("combobox", { name: "Repository", exact: true });
  if (isScripted) {
    await repository.fill("web");
    await dialog.getByRole("listbox", { name: "Repository" }).getByRole("option", { name: "acme/website" }).click();
  } else {
    await dialog.getByLabel("Search the options").fill("web");
    await dialog.getByRole("button", { name: "Find" }).click();
    await repository.selectOption({ label: "acme/website" });
  }
  await dialog.getByLabel("Urgency").selectOption({ label: "Normal" });
  await dialog.getByLabel("For how long").selectOption({ label: "1h" });
  if (checks) {
    // A field that is missing is marked, and has the focus.
    await dialog.getByRole("button", { name: SUBMIT }).click();
    await dialog.locator("[aria-invalid=true]").waitFor();
    if (isScripted) await page.locator("[aria-invalid=true]:focus").waitFor();
    checks.holds((await repository.inputValue()) !== "", "what was selected is there after an error");
    await checks.look(page, isScripted ? "3-form" : "3-form-without-scripts", isScripted);
  }
  await dialog.getByLabel("Reason").fill(reason);
  await dialog.getByRole("button", { name: SUBMIT }).click();
  await dialog.waitFor({ state: "detached" });
}

const SUBMIT = /^(Submit|Request|Send)/;

/** Decides the request with this reason. */
async function decide(page, who, reason, { button, outcome }, isScripted) {
  await become(page, who);
  await open(page, "#access-requests");
  const request = await message(page, reason, isScripted);
  await request.getByRole("button", { name: button, exact: true }).first().click();
  const dialog = page.getByRole("dialog");
  const decided = page.locator("article", { hasText: reason }).filter({ hasText: outcome });
  await eventually(page, decided.or(dialog), isScripted);
  // Denying may ask for a reason.
  if (await dialog.count()) await dialog.getByRole("button").last().click();
  await eventually(page, decided, isScripted);
}

export async function requestAndDecide(page, address, checks, isScripted) {
  const suffix = isScripted ? "" : "-without-scripts";
  const tag = isScripted ? "with scripts" : "without scripts";
  const look = async (name) => { await checks.look(page, `${name}${suffix}`, isScripted); };
  await page.goto(address);
  if (isScripted) await look("1-welcome");
  await become(page, CLEO);
  await open(page, "#general");
  if (isScripted) await look("2-channel");

  await command(page, FLOW);
  await fill(page, `Fix a typo, ${tag}`, isScripted, checks);
  await decide(page, BEN, `Fix a typo, ${tag}`, APPROVE, isScripted);
  await look("4-approved");

  await become(page, CLEO);
  await page.locator("#channels").getByRole("link", { name: "Messages" }).click();
  await message(page, "You have access to", isScripted);
  await message(page, "You have access until", isScripted);
  await look("5-access");
  // The receipt has the button; the message about the grant has none that could become stale.
  const revoke = page.locator("article", { hasText: "You have access until" }).last().locator("summary", { hasText: GIVE_BACK });
  await revoke.click();
  const question = page.locator("details[open]");
  await question.waitFor();
  await look("6-confirmation");
  // Keep, and then not.
  await question.locator(".keep").click();
  await question.waitFor({ state: "detached" });
  if (isScripted) checks.holds(await revoke.evaluate((item) => item === document.activeElement), "the focus returns to the button");
  await revoke.click();
  const returned = page.locator("article", { hasText: "You gave your access back" });
  const before = await returned.count();
  await question.getByRole("button").first().click();
  await eventually(page, returned.nth(before), isScripted);

  await open(page, "#general");
  await command(page, FLOW);
  await fill(page, `To be denied, ${tag}`, isScripted);
  await decide(page, BEN, `To be denied, ${tag}`, DENY, isScripted);
  await become(page, CLEO);
  await open(page, "#general");
  await command(page, FLOW);
  await fill(page, `To be withdrawn, ${tag}`, isScripted);
  await decide(page, CLEO, `To be withdrawn, ${tag}`, WITHDRAW, isScripted);
  await look("7-decided");

  await page.locator("#channels").getByRole("button", { name: "Home" }).click();
  await page.locator(".tab[aria-current]", { hasText: "Home" }).waitFor();
  await look("8-home");
}
