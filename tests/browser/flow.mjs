// The life of requests, as requester and approver. Each step can fail: it waits for what must be shown afterwards.

import { ANA, BEN, CLEO, FLOW, Visitor } from "./visitor.mjs";

const CHANNEL = "#access-requests";

/** A request from the form to the end of the access: approved for less, extended, given back. */
export async function granted(page, address, checks, isScripted) {
  const visitor = new Visitor(page, address, checks, isScripted);
  const reason = isScripted ? "Fix a typo on the front page" : "Fix a typo on the last page";
  await visitor.enter(CLEO);
  await form(visitor, reason);

  await visitor.messages();
  const receipt = await visitor.message(reason, "You asked for", "Waiting for a decision", `Sent to ${CHANNEL}`);
  await visitor.look("receipt");
  await visitor.press(receipt, "Remind");
  await visitor.message("notified a short while ago");
  await receipt.getByRole("link", { name: "Show the message" }).click();
  const own = await visitor.message(reason);
  checks.holds((await page.locator("article.at", { hasText: reason }).count()) === 1, "the link leads to the message");
  await visitor.press(own, "Approve");
  await visitor.message("Requesters cannot approve their own request");

  await visitor.become(BEN);
  await visitor.home("Waiting for your decision (1)");
  await visitor.look("home-approver");
  await visitor.pressAtHome("Waiting for your decision (1)", "Open the message");
  await page.getByRole("heading", { level: 1, name: CHANNEL }).waitFor();
  const card = await visitor.message(reason, "Members can decide");
  checks.holds(await card.evaluate((item) => item.classList.contains("at")), "the button leads to the message");
  await visitor.look("card");
  await visitor.pick(card, "Approve for less", "Approve for 30m");
  await visitor.message(reason, "Approved by @Ben", "Access until");
  await visitor.look("card-approved");

  await visitor.become(CLEO);
  await visitor.messages();
  await visitor.message("You have access to Repository (acme/website) until");
  await visitor.message(reason, "You have access until");
  await visitor.message(/Your access to Repository \(acme\/website\) ends/);
  await visitor.look("access");

  await visitor.home("Your access (1)");
  await visitor.look("home-access");
  await visitor.pressAtHome("Your access (1)", "Extend");
  const extend = await visitor.dialog("Extend access");
  await visitor.pick(extend, "How much longer?", "30m");
  await extend.getByLabel("Reason").fill("Another typo");
  await visitor.look("extend");
  await visitor.press(extend, "Request");
  await extend.waitFor({ state: "detached" });
  await visitor.messages();
  await visitor.message(reason, "Your request for more time waits for a decision");

  await visitor.become(BEN);
  await visitor.open(CHANNEL);
  const extension = await visitor.message("Another typo", "asks for more time for");
  await visitor.look("extension");
  await visitor.press(extension, "Approve");
  await visitor.message("Another typo", "Approved by @Ben", "Access until");

  await visitor.become(CLEO);
  await visitor.messages();
  await visitor.message("@Ben extended it");
  await giveBack(visitor);
  const ended = await visitor.message(reason, "You gave your access back");
  await visitor.look("ended");
  await visitor.press(ended, "Request again");
  const again = await visitor.dialog("Access to a repository");
  await visitor.press(again, "Cancel");
  await again.waitFor({ state: "detached" });

  await visitor.become(BEN);
  await visitor.open(CHANNEL);
  await visitor.message(reason, "Access was revoked by @Cleo");
  await visitor.open("#access-audit");
  await visitor.message("cleo@example.com may use acme/website, says ben@example.com");
}

/** Fills in the form: a handler changes it, a missing value is marked, and what was entered stays. */
async function form(visitor, reason) {
  const { page, checks, isScripted } = visitor;
  await visitor.open("#general");
  await visitor.command(FLOW);
  const dialog = await visitor.dialog("Access to a repository");
  const changed = dialog.getByText("Urgent requests go to the on-call engineers first");
  await visitor.find(dialog, "Repository", "web", "acme/website");
  await visitor.pick(dialog, "Urgency", "Urgent");
  await visitor.see(changed);
  await visitor.look("form-urgent");
  await visitor.pick(dialog, "Urgency", "Normal");
  await visitor.seeGone(changed);
  await visitor.pick(dialog, "For how long", "1h");
  await visitor.press(dialog, "Request");
  await dialog.locator("[aria-invalid=true]").waitFor();
  await dialog.getByText("Please complete this required field").waitFor();
  if (isScripted) await page.locator("textarea[aria-invalid=true]:focus").waitFor();
  const repository = dialog.getByRole("combobox", { name: "Repository", exact: true });
  const selected = isScripted ? await repository.inputValue() : await repository.locator("option:checked").textContent();
  checks.holds(selected === "acme/website", `what was selected is there after an error, got ${selected}`);
  await visitor.look("form-error");
  await dialog.getByLabel("Reason").fill(reason);
  await visitor.press(dialog, "Request");
  await dialog.waitFor({ state: "detached" });
}

/** Gives access back in the home tab: keeps it, and then not. */
async function giveBack(visitor) {
  const { page, checks, isScripted } = visitor;
  const home = await visitor.home("Your access (1)");
  await visitor.press(home, "Give back");
  await home.locator("details[open]").waitFor();
  await visitor.look("confirmation");
  await home.locator("details[open]").getByText("Cancel").click();
  await home.locator("details[open]").waitFor({ state: "detached" });
  const button = home.locator("summary", { hasText: "Give back" });
  if (isScripted) {
    await page.locator("summary:focus").waitFor();
    checks.holds(await button.evaluate((item) => item === document.activeElement), "the focus returns to the button");
  }
  await visitor.confirm(home, "Give back", "Give back");
  await visitor.messages();
  await visitor.message("You gave your access back");
  await visitor.home("You have no access");
  await visitor.messages();
}

/** A request that is denied with a reason, and one that is withdrawn. */
export async function refused(page, address, checks, isScripted) {
  const visitor = new Visitor(page, address, checks, isScripted);
  const [denied, withdrawn] = isScripted ? ["Look around", "Changed my mind"] : ["Look around again", "Changed my mind again"];
  await visitor.enter(CLEO);
  await visitor.request(denied);
  await visitor.become(BEN);
  await visitor.open(CHANNEL);
  await visitor.press(await visitor.message(denied), "Deny");
  const dialog = await visitor.dialog("Deny the request");
  await dialog.getByLabel("Reason").fill("Not during the release");
  await visitor.look("deny");
  await visitor.press(dialog, "Deny");
  await dialog.waitFor({ state: "detached" });
  await visitor.message(denied, "Denied by @Ben", "Not during the release");
  await visitor.become(CLEO);
  await visitor.messages();
  await visitor.message("@Ben denied your request", "Not during the release");
  await visitor.message(denied, "You asked for", "Denied by @Ben");
  await visitor.look("denied");

  await visitor.request(withdrawn);
  await visitor.messages();
  await visitor.confirm(await visitor.message(withdrawn, "You asked for"), "Withdraw", "Withdraw");
  await visitor.message(withdrawn, "You withdrew your request");
  await visitor.open(CHANNEL);
  await visitor.message(withdrawn, "Withdrawn by @Cleo");
  await visitor.look("withdrawn");
}

/** The second request for the same says so, to both sides. Both are withdrawn in the home tab. */
export async function twice(page, address, checks) {
  const visitor = new Visitor(page, address, checks);
  await visitor.enter(CLEO);
  await visitor.request("The first of two");
  await visitor.request("The second of two");
  await visitor.open(CHANNEL);
  await visitor.message("The second of two", "already has an open request for this");
  await visitor.messages();
  await visitor.message("The second of two", "You already have an open request for this");
  await visitor.look("twice");
  const home = await visitor.home("Your open requests (2)");
  await visitor.look("home-open");
  await visitor.confirm(home, "Withdraw", "Withdraw");
  await visitor.see(home.filter({ hasText: "Your open requests (1)" }));
  await visitor.confirm(home, "Withdraw", "Withdraw");
  await visitor.see(home.filter({ hasText: "You have no open requests" }));
}

/** Urgent requests: those of others go to the engineers on call, who revoke the access early, and their own are approved by the flow. */
export async function urgent(page, address, checks) {
  const visitor = new Visitor(page, address, checks);
  await visitor.enter(CLEO);
  await visitor.request("Payments fail", { urgency: "Urgent" });
  await visitor.become(BEN);
  await visitor.open("Sym, Ana");
  const card = await visitor.message("Payments fail");
  await visitor.press(card, "Approve");
  const approved = await visitor.message("Payments fail", "Access until");
  await visitor.confirm(approved, "Revoke", "Revoke");
  await visitor.message("Payments fail", "Access was revoked by @Ben");
  await visitor.look("revoked");
  await visitor.become(CLEO);
  await visitor.messages();
  await visitor.message("Payments fail", "Your access was ended by @Ben");
  await visitor.message("was ended by @Ben");

  await visitor.become(ANA);
  await visitor.request("Payments still fail", { urgency: "Urgent" });
  await visitor.messages();
  await visitor.message("was approved", "urgent, and the requester is on call");
  await visitor.message("You have access to Repository (acme/website) until", "let you give it back");
  await visitor.look("auto-approved");
  const home = await visitor.home("Your access (1)");
  await visitor.confirm(home, "Give back", "Give back");
  await visitor.messages();
  await visitor.message("You gave back your access to Repository (acme/website)");
}
