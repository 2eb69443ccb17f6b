// What people do in the console, with scripts and without.

import { BEN, Visitor } from "./visitor.mjs";

/** Somebody in the console. */
class Person {
  constructor(page, address, checks, isScripted) {
    Object.assign(this, { page, address, checks, isScripted });
  }

  look(name) {
    return this.checks.look(this.page, `console-${name}${this.isScripted ? "" : "-unscripted"}`, this.isScripted);
  }

  async signIn(name) {
    await this.page.goto(`${this.address}/console`);
    await this.page.getByRole("button", { name: new RegExp(`Continue as .*${name}`, "i") }).click();
    await this.heading();
  }

  heading(name) {
    return this.page.getByRole("heading", { level: 1, ...(name && { name }) }).waitFor();
  }

  async go(path, name) {
    await this.page.goto(this.address + path);
    await this.heading(name);
  }

  /** Waits for a text. Without scripts, the page is opened again until it has it. */
  async see(text) {
    const found = this.page.getByText(text).first();
    if (this.isScripted) return found.waitFor();
    for (let attempt = 0; attempt < 100; attempt += 1) {
      if (await found.count()) return undefined;
      await this.page.waitForTimeout(100);
      await this.page.goto(this.page.url().split("?")[0]);
    }
    throw new Error(`the page never had ${text}`);
  }

  /** Fills in the form of the quickstart's flow. */
  async fillIn(reason) {
    const { page } = this;
    await this.go("/console/new", "Access to a repository");
    const repository = page.getByLabel("Repository", { exact: true });
    if (await repository.evaluate((item) => item.tagName === "SELECT")) await repository.selectOption({ index: 1 });
    else await repository.fill("acme/website");
    await page.getByLabel("Urgency").selectOption("Normal");
    await page.getByLabel("Reason").fill(reason);
    await page.getByLabel("For how long").selectOption("1h");
  }

  /** Makes a request by that form. Returns the address of the Run. */
  async request(reason) {
    const { page } = this;
    await this.fillIn(reason);
    await page.getByRole("button", { name: "Request", exact: true }).click();
    await page.waitForURL(/\/r\//);
    return new URL(page.url()).pathname;
  }
}

/** The form: an empty one, its errors, and who would decide. */
export async function request(page, address, checks, isScripted) {
  const cleo = new Person(page, address, checks, isScripted);
  await page.goto(`${address}/console/inbox`);
  await cleo.heading("Who are you?");
  await cleo.look("sign-in");
  await cleo.signIn("cleo");
  await cleo.go("/console", /Hello|Your access/);
  await cleo.look("home-empty");
  await cleo.go("/console/new", "Access to a repository");
  await cleo.look("form");
  await page.getByRole("button", { name: "Request", exact: true }).click();
  await page.getByText("The request was not sent.").waitFor();
  await cleo.look("form-errors");
  await page.getByLabel("Reason").fill("Fix a typo");
  await page.getByRole("button", { name: "Who would decide?" }).click();
  await cleo.heading("Access to a repository");
  checks.holds((await page.getByLabel("Reason").inputValue()) === "Fix a typo", "what was typed is still there");
  await cleo.look("form-preview");
}

/** A request from its form to the end of the access. */
export async function decided(page, other, address, checks, isScripted) {
  const cleo = new Person(page, address, checks, isScripted);
  const ben = new Person(other, address, checks, isScripted);
  await cleo.signIn("cleo");
  const run = await cleo.request("Fix a typo on the front page");
  await cleo.see("waiting, 0 of 1");
  await cleo.look("request-waiting");
  await ben.signIn("ben");
  await ben.look("home-to-decide");
  await ben.go("/console/inbox", "For you to decide");
  await ben.look("inbox");
  await ben.go(run);
  await ben.look("request-to-decide");
  await other.getByLabel("Message").fill("Go ahead");
  await other.getByRole("button", { name: "Approve", exact: true }).click();
  await ben.see("Approved. The requester is told.");
  if (!isScripted) await cleo.go(run);
  await cleo.see("Access given");
  await cleo.look("request-held");
  await cleo.go("/console", /Hello|Your access/);
  await cleo.look("home-held");
  await cleo.go("/console/access", "Access now");
  await cleo.look("access");
  // Other steps may have left access of their own.
  const row = page.getByRole("row").filter({ has: page.locator(`a[href="${run}"]`) });
  await row.getByRole("button", { name: /^Give back/ }).click();
  await cleo.go(run);
  await cleo.see("Access ended");
  await cleo.look("request-ended");
  await cleo.go("/console/requests", "Requests");
  await cleo.look("requests");
}

/** Every page, for an administrator, whom the quickstart does not have. */
export async function everyPage(page, address, token, checks) {
  const added = await fetch(`${address}/api/v1/users`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ email: "ada@example.com", role: "admin" }),
  });
  checks.holds(added.ok, `an administrator is added: ${added.status}`);
  const ada = new Person(page, address, checks, true);
  await ada.signIn("ada");
  for (const [path, name] of [["operations", "Operations"], ["flows", "Flows"], ["audit", "Audit record"], ["people", "People and bots"]]) {
    await ada.go(`/console/${path}`, name);
    await ada.look(path);
  }
  await page.getByRole("link", { name: /cleo/i }).first().click();
  await ada.heading(/cleo/i);
  await ada.look("person");
  await bots(ada);
  await ada.go("/console/audit?text=front+page", "Audit record");
  await ada.look("audit-words");
  await ada.go("/console/audit", "Audit record");
  await page.getByRole("button", { name: "Verify all" }).click();
  await page.getByText("Verified, entries 1 to").waitFor();
  await ada.look("audit-verified");
  await page.goto(`${address}/r/0199c1a2-7b1e-7cc3-98c4-dc0c0c07398f`);
  await ada.heading("Not found");
  await ada.look("not-found");
  await page.locator("summary").click();
  await page.getByLabel("Dark").check();
  await page.getByRole("button", { name: "Save" }).click();
  checks.holds((await page.locator("html").getAttribute("data-theme")) === "dark", "the theme is kept");
  await page.locator("summary").click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await ada.heading("Who are you?");
}

/** A bot: added, with a token that is shown once, and with the jobs that it trusts. */
async function bots(ada) {
  const { page, checks } = ada;
  await ada.go("/console/people", "People and bots");
  await page.getByLabel("Name", { exact: true }).fill("deployer");
  await page.getByRole("button", { name: "Add", exact: true }).click();
  await ada.heading("deployer");
  await ada.look("bot");
  await page.getByLabel("Purpose").fill("build server");
  await page.getByRole("button", { name: "Issue a token" }).click();
  await page.getByText("The token, which is shown this once:").waitFor();
  await ada.look("bot-token");
  await page.getByLabel("Audience").fill("https://sym.example.com");
  await page.getByLabel("Claims").fill("repository_owner_id=1342004\nrepository_id=74791\nenvironment=production");
  await page.getByRole("button", { name: "Add a trust" }).click();
  await page.getByText("repository_id=74791", { exact: true }).waitFor();
  checks.holds(!(await page.getByText("symbot_").count()), "the token is shown once");
  await ada.look("bot-trust");
  await page.getByRole("button", { name: "Revoke build server" }).click();
  await page.getByText("revoked", { exact: true }).waitFor();
  await page.getByRole("button", { name: /^Remove the trust in/ }).click();
  await page.getByText("No trusts.").waitFor();
}

/** A request of the console that is decided in the fake Slack: the open page follows. */
export async function both(page, other, address, slack, checks) {
  const cleo = new Person(page, address, checks, true);
  await cleo.signIn("cleo");
  await cleo.request("Decided elsewhere");
  await page.locator(".live").first().waitFor();
  const ben = new Visitor(other, slack, checks);
  await ben.enter(BEN);
  await ben.open("#access-requests");
  const card = other.locator(".message", { hasText: "Decided elsewhere" }).last();
  await card.getByRole("button", { name: "Approve", exact: true }).click();
  await page.getByText("Access given").waitFor();
}

/** Eight windows of one person, over plain HTTP/1.1: they share one stream, and all of them follow what happens. */
export async function windows(page, other, address, checks) {
  let streams = 0;
  page.context().on("request", (request) => { streams += Number(request.url().endsWith("/console/changes")); });
  const ben = new Person(page, address, checks, true);
  await ben.signIn("ben");
  await ben.go("/console/inbox", "For you to decide");
  await page.locator(".live", { hasText: /^live$/ }).first().waitFor();
  const before = streams;
  const all = [page];
  while (all.length < 8) {
    const window = await page.context().newPage();
    checks.listen(window);
    await window.goto(`${address}/console/inbox`);
    await window.locator(".live", { hasText: /^live$/ }).first().waitFor();
    all.push(window);
  }
  checks.holds(streams === before, `windows share one stream: ${streams - before} more were opened`);
  const cleo = new Person(other, address, checks, true);
  await cleo.signIn("cleo");
  await cleo.request("Seen in eight windows");
  for (const window of all) await window.getByText("Seen in eight windows").waitFor();
  // Whichever has the stream hands it on.
  await page.close();
  await cleo.request("Seen in seven windows");
  for (const window of all.slice(1)) await window.getByText("Seen in seven windows").waitFor();
  checks.holds(streams === before + 1, `another window reads the stream: ${streams - before} were opened`);
}

/** A page whose stream is refused looks by itself, and is live once it is let in. One that loses its stream says since when. */
export async function withoutStream(page, other, address, checks) {
  const ben = new Person(page, address, checks, true);
  await ben.signIn("ben");
  let isRefused = true;
  await page.context().route("**/console/changes", (route) => (isRefused ? route.fulfill({ status: 503 }) : route.continue()));
  await page.clock.install();
  await ben.go("/console/inbox", "For you to decide");
  const cleo = new Person(other, address, checks, true);
  await cleo.signIn("cleo");
  await cleo.request("Seen without a stream");
  checks.holds((await page.getByText("Seen without a stream").count()) === 0, "nothing tells the page at once");
  await page.clock.fastForward(31_000);
  await page.getByText("Seen without a stream").waitFor();
  isRefused = false;
  await page.clock.fastForward(31_000);
  await page.locator(".live", { hasText: /^live$/ }).first().waitFor();
  // The server ends the stream of a session that has ended.
  await page.request.post(`${address}/console/sign-out`, { headers: { "sec-fetch-site": "same-origin" }, maxRedirects: 0 });
  await cleo.request("Seen by nobody");
  await page.locator(".live", { hasText: /^not live, last seen \d\d:\d\d/ }).first().waitFor();
  await page.clock.fastForward(31_000);
  await page.getByText("Your session has ended.").waitFor();
  checks.holds((await page.getByText("Seen by nobody").count()) === 0, "the page shows nothing more");
}

/** A session that ends while a form is filled in: what was typed is kept, and sent once one has signed in again. */
export async function ended(page, address, checks, isScripted) {
  const cleo = new Person(page, address, checks, isScripted);
  await cleo.signIn("cleo");
  await cleo.fillIn("Typed before the session ended");
  await page.context().clearCookies();
  await page.getByRole("button", { name: "Request", exact: true }).click();
  await cleo.heading("Sign in, and send it again");
  await cleo.look("session-ended");
  const opened = page.context().waitForEvent("page");
  await page.getByRole("link", { name: "Sign in on another page" }).click();
  const elsewhere = await opened;
  checks.listen(elsewhere);
  await elsewhere.getByRole("button", { name: /Continue as .*cleo/i }).click();
  await elsewhere.getByRole("heading", { level: 1 }).waitFor();
  await page.getByRole("button", { name: "Send it again" }).click();
  await page.waitForURL(/\/r\//);
  await cleo.see("Typed before the session ended");
}
