// The commands, the shortcut and the list, and what is shown before anything was requested.

import { ANA, CLEO, Visitor } from "./visitor.mjs";

/** Channel, home tab and messages of somebody who has done nothing yet. */
export async function empty(page, address, checks) {
  const visitor = new Visitor(page, address, checks);
  await page.goto(address);
  await visitor.look("welcome");
  await visitor.become(ANA);
  await visitor.open("#general");
  await page.getByText("No messages yet").waitFor();
  await visitor.look("empty-channel");
  await visitor.home("You have no open requests");
  await visitor.look("empty-home");
  await visitor.messages();
  await page.getByText("No messages yet").waitFor();
}

export async function commands(page, address, checks) {
  const visitor = new Visitor(page, address, checks);
  await visitor.enter(CLEO);
  await visitor.open("#general");
  const replies = [
    ["/sym help", "/sym list shows your requests"],
    ["/sym support", "Ask the platform team in #platform"],
    ["/sym whoami", "You are cleo@example.com, a member."],
    ["/sym frobnicate", "Unknown command /sym frobnicate"],
  ];
  for (const [command, reply] of replies) {
    await visitor.command(command);
    await visitor.message(reply, "Only visible to you");
  }
  await visitor.look("commands");

  await visitor.command("/sym list");
  const list = await visitor.dialog("Access");
  await list.getByText("You have no open requests").waitFor();
  await visitor.look("list");
  await visitor.press(list, "Request access");
  // On top of the list, to which closing it returns.
  const form = await visitor.dialog("Access to a repository").catch(() => null);
  checks.holds(form, "the list opens the form");
  await visitor.press(page.getByRole("dialog"), "Cancel");
  await visitor.dialog("Access");
  await visitor.press(page.getByRole("dialog"), "Close");
  await page.getByRole("dialog").waitFor({ state: "detached" });

  // What matches no flow is asked again, with the only flow there is.
  await visitor.command("/sym req nothing like it");
  const picker = page.getByRole("dialog");
  await picker.getByText("No single flow matches").waitFor();
  await visitor.look("picker");
  await picker.getByRole("combobox").selectOption({ label: "Access to a repository" });
  await visitor.dialog("Access to a repository");
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });

  await page.getByRole("button", { name: "Request access" }).click();
  await page.getByRole("dialog").getByRole("combobox").first().waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
}
