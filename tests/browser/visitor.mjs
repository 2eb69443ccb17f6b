// What a visitor of the page does and sees, with scripts and without.

/** The time for something to appear without scripts, in which case the visitor refreshes the page. It only decides when a failure is reported. */
const TIMEOUT_MS = 30_000;

export const ANA = "Ana";
export const BEN = "Ben";
export const CLEO = "Cleo";

/** The command that opens the form of the quickstart's flow. */
export const FLOW = "/sym req repository-access";

/** Matches a label as a whole. */
const exactly = (label) => new RegExp(`^\\s*${label}\\s*$`);

export class Visitor {
  constructor(page, address, checks, isScripted = true) {
    Object.assign(this, { page, address, checks, isScripted });
  }

  async enter(name) {
    await this.page.goto(this.address);
    await this.become(name);
    // What an earlier step left open, if it failed.
    const dialog = this.page.getByRole("dialog");
    while (await dialog.count()) {
      await dialog.locator("button[value=close]").click();
      await this.page.waitForLoadState();
    }
  }

  /** Chooses a person on the first page or in the sidebar. */
  async become(name) {
    const lists = this.page.getByRole("navigation", { name: "People and channels" }).or(this.page.locator("body.welcome"));
    await lists.getByRole("link", { name: new RegExp(`\\b${name}\\b`) }).first().click();
    await this.page.locator("#people [aria-current=true]", { hasText: name }).waitFor();
  }

  /** Opens a channel by its name. */
  async open(name) {
    await this.page.locator("#channels").getByRole("link", { name }).click();
    await this.page.getByRole("heading", { level: 1, name, exact: true }).waitFor();
  }

  /** Opens the messages of the app to the person. */
  async messages() {
    await this.page.locator("#channels").getByRole("link", { name: "Messages" }).click();
    await this.page.locator(".tab[aria-current]", { hasText: "Messages" }).waitFor();
  }

  /** Opens the home tab, and waits until it has this text. */
  async home(text) {
    await this.page.locator("#channels").getByRole("button", { name: "Home" }).click();
    await this.page.locator(".tab[aria-current]", { hasText: "Home" }).waitFor();
    const home = this.page.locator(".home");
    await this.see(home.filter({ hasText: text }));
    return home;
  }

  /** Enters a command. */
  async command(text) {
    await this.page.getByLabel(/^Command in/).fill(text);
    await this.page.getByRole("button", { name: "Send" }).click();
  }

  /** Waits for an element, and returns the last one. Without scripts, the visitor refreshes the page until it is there. */
  async see(locator) {
    if (this.isScripted) {
      await locator.last().waitFor();
      return locator.last();
    }
    for (const deadline = Date.now() + TIMEOUT_MS; !(await locator.count());) {
      if (Date.now() > deadline) throw new Error(`never there: ${locator}`);
      await this.page.getByRole("link", { name: "Refresh" }).last().click();
    }
    return locator.last();
  }

  /** Waits until something is gone. Without scripts, the page is refreshed until it is. */
  async seeGone(locator) {
    if (this.isScripted) return locator.waitFor({ state: "detached" });
    for (const deadline = Date.now() + TIMEOUT_MS; await locator.count();) {
      if (Date.now() > deadline) throw new Error(`still there: ${locator}`);
      await this.page.getByRole("link", { name: "Refresh" }).last().click();
    }
    return undefined;
  }

  /** Waits for a message that has all of these texts, and returns the latest. */
  async message(...texts) {
    return this.see(texts.reduce((found, hasText) => found.filter({ hasText }), this.page.locator("article")));
  }

  /** Waits for the open view with this title. */
  async dialog(title) {
    return this.see(this.page.getByRole("dialog", { name: title }));
  }

  /** Presses a button, also one that asks for a confirmation. */
  async press(scope, label) {
    const button = scope.locator("button, summary").filter({ hasText: exactly(label) });
    await button.filter({ visible: true }).last().click();
  }

  /**
   * Presses a button of the home tab, which must have this text. The app shows the tab anew once it is opened, and without scripts a visitor
   * may press what is not there any more.
   */
  async pressAtHome(text, label) {
    await this.press(await this.home(text), label);
    if (this.isScripted) return;
    const gone = this.page.getByText("no longer sees that");
    for (const deadline = Date.now() + TIMEOUT_MS; await gone.count();) {
      if (Date.now() > deadline) throw new Error(`${label} is never there`);
      await this.press(await this.home(text), label);
    }
  }

  /** Presses a button, and answers the question that it asks. */
  async confirm(scope, label, answer) {
    await this.press(scope, label);
    const question = scope.locator("details[open]");
    await question.waitFor();
    await question.locator("button, a").filter({ hasText: exactly(answer) }).click();
  }

  /** Selects an option of a menu. Without scripts, a button dispatches the change. */
  async pick(scope, label, option) {
    const menu = scope.getByRole("combobox", { name: label, exact: true });
    await menu.selectOption({ label: option });
    const dispatch = menu.locator("xpath=..").locator(".dispatch");
    if (!this.isScripted && (await dispatch.count())) await dispatch.click();
  }

  /** Finds an option by typing a part of its label. */
  async find(scope, label, typed, option) {
    const box = scope.getByRole("combobox", { name: label, exact: true });
    if (this.isScripted) {
      await box.fill(typed);
      await scope.getByRole("listbox", { name: label }).getByRole("option", { name: option }).click();
    } else {
      await scope.getByLabel("Search the options").fill(typed);
      await scope.getByRole("button", { name: "Find" }).click();
      await box.selectOption({ label: option });
    }
  }

  /** Checks the page as it is, and takes screenshots. */
  async look(name) {
    await this.checks.look(this.page, this.isScripted ? name : `${name}-without-scripts`, this.isScripted);
  }

  /** Requests access, and returns when the view is closed. */
  async request(reason, { urgency = "Normal", duration = "1h" } = {}) {
    await this.open("#general");
    await this.command(FLOW);
    const form = await this.dialog("Access to a repository");
    await this.find(form, "Repository", "web", "acme/website");
    await this.pick(form, "Urgency", urgency);
    await this.pick(form, "For how long", duration);
    await form.getByLabel("Reason").fill(reason);
    await this.press(form, "Request");
    await form.waitFor({ state: "detached" });
  }
}
