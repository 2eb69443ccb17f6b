"use strict";
// The page works without this script. It sends forms without loading the page anew, shows changes immediately, makes the open view a modal
// dialog, and joins search field and menu in one combobox.
document.documentElement.classList.add("scripted");

const $ = (id) => document.getElementById(id);
// Parts of the page that are replaced when they differ from what was served before.
const parts = ["heading", "people", "channels", "faults", "notice", "composer"];
const served = new Map();

// Shows times in the reader's zone, those in texts in the format that the app asks for, as Slack does.
function times(root) {
  for (const time of root.querySelectorAll("time")) {
    const at = new Date(time.dateTime);
    time.title = time.textContent;
    time.textContent = formatted(at, time.dataset.format ?? (days(at) ? "{date_short_pretty} {time}" : "{time}"));
  }
}

const clock = (at, timeStyle = "short") => at.toLocaleTimeString([], { timeStyle });

// The number of days from today.
function days(at) {
  const midnight = (date) => new Date(date.getFullYear(), date.getMonth(), date.getDate());
  return Math.round((midnight(at) - midnight(new Date())) / 86_400_000);
}

function day(at, dateStyle, isPretty) {
  const name = isPretty && { "-1": "yesterday", 0: "today", 1: "tomorrow" }[days(at)];
  return name || at.toLocaleDateString([], { dateStyle });
}

function ago(at) {
  const seconds = (at - Date.now()) / 1000;
  const [unit, length] = [["day", 86_400], ["hour", 3_600], ["minute", 60]].find(([, length]) => Math.abs(seconds) >= length) ?? ["second", 1];
  return new Intl.RelativeTimeFormat([], { numeric: "auto" }).format(Math.trunc(seconds / length), unit);
}

function formatted(at, format) {
  const styles = { date: "long", date_short: "medium", date_long: "full", date_num: "short", date_slash: "short" };
  return format.replace(/\{(\w+)\}/g, (token, name) => {
    if (name === "ago") return ago(at);
    if (name === "time" || name === "time_secs") return clock(at, name === "time" ? "short" : "medium");
    const style = styles[name.replace("_pretty", "")];
    return style ? day(at, style, name.endsWith("_pretty")) : token;
  });
}

// Makes a part ready that was served.
function ready(root) {
  times(root);
  for (const choose of root.querySelectorAll(".choose")) new Combobox(choose);
  for (const dialog of root.querySelectorAll("dialog")) {
    dialog.addEventListener("cancel", (event) => { event.preventDefault(); close(dialog); });
    // A browser may close it without asking.
    dialog.addEventListener("close", () => close(dialog));
  }
}

// Whether a control was changed since the page was served.
function entered(control) {
  if (control.type === "radio" || control.type === "checkbox") return control.checked !== control.defaultChecked;
  if (control.options) return [...control.options].some((option) => option.value && option.selected !== option.defaultSelected);
  return control.type !== "hidden" && control.value !== control.defaultValue;
}

// Copies unsaved input into the controls that replace the old ones.
function carry(before, after) {
  const same = (control) => [...after.querySelectorAll("[name]")].filter(
    (other) => other.name === control.name && other.type === control.type &&
      other.closest("form")?.dataset.on === control.closest("form")?.dataset.on);
  for (const control of before.querySelectorAll("input[name], textarea[name], select[name]")) {
    if (!entered(control)) continue;
    for (const other of same(control)) {
      if (control.type === "radio" || control.type === "checkbox") {
        if (other.value === control.value) other.checked = control.checked;
      } else if (control.options) {
        for (const option of other.options) option.selected = false;
        for (const option of control.selectedOptions) {
          const found = [...other.options].find((known) => known.value === option.value);
          if (found) found.selected = true; else other.append(new Option(option.text, option.value, false, true));
        }
      } else {
        other.value = control.value;
      }
    }
  }
}

// Replaces a part of the page. The focus stays on what has the same id or address, with what was typed into a combobox.
function replace(before, after) {
  const focused = before.contains(document.activeElement) ? document.activeElement : null;
  const was = focused && { id: focused.id, href: focused.getAttribute("href"), text: focused.value, at: focused.selectionStart, to: focused.selectionEnd };
  carry(before, after);
  ready(after);
  before.replaceWith(after);
  const dialog = after.querySelector("dialog");
  if (dialog) modal(dialog);
  if (!focused) return;
  const same = (was.id && $(was.id)) || (was.href && [...after.querySelectorAll("a")].find((link) => link.getAttribute("href") === was.href));
  same?.focus();
  if (same?.setSelectionRange && same.type !== "email" && typeof was.at === "number") {
    if (same.role === "combobox") same.value = was.text;
    try { same.setSelectionRange(was.at, was.to); } catch { /* not for this type of input */ }
  }
}

function adopt(page, id) {
  const part = page.getElementById(id);
  const html = part.outerHTML;
  return { html, part: document.adoptNode(part) };
}

// Shows a page that was fetched, unless a newer one is shown.
function show(page) {
  const { dataset } = page.body;
  if (!dataset.version || Number(dataset.version) < Number(document.body.dataset.version)) return;
  Object.assign(document.body.dataset, dataset);
  document.title = page.title;
  for (const id of parts) {
    const { html, part } = adopt(page, id);
    if (served.get(id) === html) continue;
    served.set(id, html);
    replace($(id), part);
  }
  for (const name of ["role", "aria-label"]) {
    document.querySelector(".scroll").setAttribute(name, page.querySelector(".scroll").getAttribute(name));
  }
  messages(page.getElementById("messages"));
  view(page);
}

// Replaces only what has changed among the messages, so that the others keep focus and input, and only new ones are announced.
function messages(after) {
  const list = $("messages");
  const wanted = [...after.children];
  const ids = new Set(wanted.map((item) => item.id));
  for (const item of [...list.children]) if (!ids.has(item.id)) item.remove();
  let last = null;
  for (const item of wanted) {
    const html = item.outerHTML;
    let known = $(item.id);
    if (!known) {
      known = document.adoptNode(item);
      served.set(item.id, html);
      ready(known);
      if (last) last.after(known); else list.prepend(known);
    } else if (served.get(item.id) !== html) {
      served.set(item.id, html);
      const fresh = document.adoptNode(item);
      replace(known, fresh);
      known = fresh;
    }
    last = known;
  }
}

// What had the focus when the view was opened.
let opener = null;

function view(page) {
  const before = $("view");
  const { part: after } = adopt(page, "view");
  // Options that were found for what is being typed are no reason to disturb the view.
  if ((before.dataset.is ?? "") === (after.dataset.is ?? "")) return;
  const was = before.dataset.view;
  if (!was) opener = document.activeElement?.id || opener;
  replace(before, after);
  const dialog = after.querySelector("dialog");
  if (!dialog) return back();
  const invalid = dialog.querySelector("[aria-invalid=true], [role=alert]");
  if (invalid || was !== after.dataset.view) first(dialog, invalid);
}

function modal(dialog) {
  dialog.removeAttribute("open");
  dialog.showModal();
}

const focusable = "a[href], button:not([disabled], [tabindex='-1']), input:not([type=hidden]), select, textarea, summary, [tabindex='0']";
const visible = (root) => [...root.querySelectorAll(focusable)].filter((item) => item.checkVisibility());

// Moves the focus to what is wrong, or else to the first control of the view.
function first(dialog, invalid) {
  const target = invalid?.role === "alert" ? null : invalid;
  (target ?? visible(dialog.querySelector(".body"))[0] ?? dialog.querySelector("h2")).focus();
}

// Returns the focus to where it was before the view was opened.
function back() {
  const before = opener && $(opener);
  opener = null;
  (before ?? $("command") ?? document.querySelector(".scroll"))?.focus();
}

function close(dialog) {
  dialog.querySelector("button[value=close]")?.click();
}

// Forms are sent one after the other. The fields are read when it is a form's turn, since the one before may have changed the view.
let sending = Promise.resolve();
function send(form, submitter) {
  const { on } = form.dataset;
  const [action, name, value] = [form.action, submitter?.name, submitter?.value];
  form.setAttribute("aria-busy", "true");
  sending = sending.then(async () => {
    const present = form.isConnected ? form : [...document.querySelectorAll("form[data-on]")].find((other) => on && other.dataset.on === on);
    if (!present) return;
    const data = new URLSearchParams(new FormData(present));
    if (name) data.append(name, value);
    const answer = await fetch(action, { method: "POST", body: data, headers: { accept: "text/html" } });
    const url = new URL(answer.url);
    if (!url.searchParams.has("error") && action.endsWith("/command")) present.reset();
    const isLinked = url.searchParams.has("at");
    for (const once of ["error", "at"]) url.searchParams.delete(once);
    if (url.search === location.search) history.replaceState(null, "", url); else history.pushState(null, "", url);
    show(new DOMParser().parseFromString(await answer.text(), "text/html"));
    if (isLinked) linked();
  }).catch(() => location.reload()).finally(() => {
    for (const busy of document.querySelectorAll("form[aria-busy]")) busy.removeAttribute("aria-busy");
  });
}

// Scrolls to the message to which a link has led.
function linked() {
  document.querySelector(".at")?.scrollIntoView({ block: "center" });
}

async function reload() {
  const { as, in: channel, at } = document.body.dataset;
  const answer = await fetch("/?" + new URLSearchParams({ as, in: channel, at }));
  if (answer.ok) show(new DOMParser().parseFromString(await answer.text(), "text/html"));
}

async function watch() {
  let isLost = false;
  for (;;) {
    try {
      const { as, version: since } = document.body.dataset;
      const answer = await fetch("/state?" + new URLSearchParams({ as, since }));
      if (isLost) return location.reload();
      if (!answer.ok) throw new Error("the person is gone");
      const state = await answer.json();
      if (String(state.version) !== document.body.dataset.version) await sending.then(reload);
    } catch {
      isLost = true;
      await new Promise((resolve) => setTimeout(resolve, 2000));
    }
  }
}

// A combobox for a menu, with the options that it has or that the app suggests: arrows move, Enter selects, Escape closes the list.
// The menu stays in the form, hidden, with what is selected.
class Combobox {
  constructor(root) {
    this.root = root;
    this.menu = root.querySelector("select");
    this.id = root.dataset.id;
    this.isRemote = root.classList.contains("external");
    this.options = [];
    this.active = -1;
    this.turn = 0;
    this.all = [...this.menu.options].filter((option) => option.value).map(({ text, value }) => ({ text, value }));
    this.input = Object.assign(document.createElement("input"), { type: "text", id: this.id, autocomplete: "off" });
    for (const { name, value } of this.menu.attributes) {
      if (name.startsWith("aria-")) this.input.setAttribute(name, value);
    }
    this.input.placeholder = this.menu.multiple ? "Add an option" : this.menu.options[0]?.value ? "" : this.menu.options[0]?.text ?? "";
    const list = `${this.id}-list`;
    for (const [name, value] of [["role", "combobox"], ["aria-autocomplete", "list"], ["aria-expanded", "false"], ["aria-controls", list]]) {
      this.input.setAttribute(name, value);
    }
    this.menu.removeAttribute("id");
    const label = document.querySelector(`label[for="${CSS.escape(this.id)}"]`) ?? root.closest(".field")?.querySelector("label");
    this.popup = Object.assign(document.createElement("div"), { className: "options", hidden: true });
    this.list = Object.assign(document.createElement("ul"), { id: list, role: "listbox" });
    this.list.setAttribute("aria-label", label?.textContent.trim() || this.input.getAttribute("aria-label") || "Options");
    if (this.menu.multiple) this.list.setAttribute("aria-multiselectable", "true");
    this.status = Object.assign(document.createElement("p"), { role: "status" });
    this.popup.append(this.list, this.status);
    this.chips = Object.assign(document.createElement("div"), { className: "chips" });
    root.append(this.chips, this.input, this.popup);
    this.input.addEventListener("input", () => { clearTimeout(this.timer); this.timer = setTimeout(() => this.find(this.input.value), this.isRemote ? 150 : 0); });
    this.input.addEventListener("focus", () => this.input.select());
    this.input.addEventListener("click", () => { if (this.popup.hidden) this.find(""); });
    this.input.addEventListener("keydown", (event) => this.key(event));
    this.input.addEventListener("blur", () => this.rest());
    this.list.addEventListener("pointerdown", (event) => event.preventDefault());
    this.list.addEventListener("click", (event) => {
      const at = [...this.list.children].indexOf(event.target.closest("[role=option]"));
      if (at >= 0) this.pick(at);
    });
    this.selected();
  }

  // Shows what is selected: in the field, or as chips that can be removed.
  selected() {
    const picked = [...this.menu.selectedOptions].filter((option) => option.value);
    if (!this.menu.multiple) {
      this.input.value = picked[0]?.text ?? "";
      return;
    }
    this.input.value = "";
    this.chips.replaceChildren(...picked.map((option) => {
      const chip = Object.assign(document.createElement("button"), { type: "button", className: "button chip" });
      const hidden = (className, textContent) => Object.assign(document.createElement("span"), { className, textContent });
      chip.append(hidden("sr", "Remove "), option.text, hidden("cross", "×"));
      chip.lastChild.setAttribute("aria-hidden", "true");
      chip.addEventListener("click", () => { option.selected = false; this.changed(); this.input.focus(); });
      return chip;
    }));
  }

  changed() {
    this.selected();
    this.menu.dispatchEvent(new Event("change", { bubbles: true }));
  }

  async find(typed) {
    const turn = ++this.turn;
    let [options, problem] = [this.all, ""];
    if (this.isRemote) {
      const { dataset } = this.root;
      const on = this.root.closest("form").dataset.on;
      const query = new URLSearchParams({ as: document.body.dataset.as, on, block: dataset.block, action: dataset.action, typed });
      try {
        const answer = await fetch("/options?" + query);
        const found = await answer.json();
        [options, problem] = [found.options ?? [], found.error ?? ""];
      } catch {
        [options, problem] = [[], "The options could not be loaded"];
      }
    } else {
      options = options.filter(({ text }) => text.toLowerCase().includes(typed.toLowerCase()));
    }
    if (turn !== this.turn || document.activeElement !== this.input) return;
    this.options = options;
    const picked = new Set([...this.menu.selectedOptions].map((option) => option.value));
    this.list.replaceChildren(...options.map(({ text, value }, at) => {
      const item = Object.assign(document.createElement("li"), { id: `${this.id}-${at}`, role: "option", textContent: text });
      item.setAttribute("aria-selected", String(picked.has(value)));
      return item;
    }));
    this.status.textContent = problem || (options.length ? `${options.length} option${options.length === 1 ? "" : "s"}` : "No option matches");
    this.popup.hidden = false;
    this.input.setAttribute("aria-expanded", "true");
    this.move(typed && options.length ? 0 : options.findIndex(({ value }) => picked.has(value)));
    this.popup.scrollIntoView({ block: "nearest" });
  }

  move(at) {
    this.list.children[this.active]?.classList.remove("active");
    this.active = at;
    const item = this.list.children[at];
    item?.classList.add("active");
    item?.scrollIntoView({ block: "nearest" });
    if (item) this.input.setAttribute("aria-activedescendant", item.id); else this.input.removeAttribute("aria-activedescendant");
  }

  key(event) {
    const { length } = this.options;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (this.popup.hidden) return void this.find("");
      const step = event.key === "ArrowDown" ? 1 : -1;
      if (length) this.move(this.active < 0 && step < 0 ? length - 1 : (this.active + step + length) % length);
    } else if (event.key === "Enter" && !this.popup.hidden) {
      event.preventDefault();
      if (this.active >= 0) this.pick(this.active);
    } else if (event.key === "Escape" && !this.popup.hidden) {
      // The dialog stays open.
      event.preventDefault();
      event.stopPropagation();
      this.rest();
    }
  }

  pick(at) {
    const { text, value } = this.options[at];
    let option = [...this.menu.options].find((known) => known.value === value);
    if (!option) this.menu.append(option = new Option(text, value));
    option.selected = this.menu.multiple ? !option.selected : true;
    this.hide();
    this.changed();
    this.input.select();
  }

  hide() {
    this.turn++;
    clearTimeout(this.timer);
    this.popup.hidden = true;
    this.input.setAttribute("aria-expanded", "false");
    this.move(-1);
  }

  // Closes the list. What was typed is no selection, but a field that was emptied is.
  rest() {
    const isEmptied = !this.menu.multiple && !this.input.value && this.menu.value;
    this.hide();
    if (isEmptied) this.menu.value = "";
    if (isEmptied) this.changed(); else this.selected();
  }
}

document.addEventListener("change", (event) => {
  if (event.target.type === "search" || event.target.role === "combobox") return;
  const button = event.target.closest(".dispatching")?.querySelector(".dispatch");
  if (button) button.click();
});

document.addEventListener("keydown", (event) => {
  const { target, key } = event;
  // A question is in front of everything else.
  const dialog = target.closest?.(".confirm[open] > div") ?? target.closest?.("dialog");
  if (key === "Tab" && dialog) {
    // The focus stays in the dialog, also where the browser would leave the page, and in a question.
    const items = visible(dialog);
    const [from, to] = event.shiftKey ? [items[0], items.at(-1)] : [items.at(-1), items[0]];
    if (target === from || (event.shiftKey && !items.includes(target))) {
      event.preventDefault();
      to.focus();
    }
  } else if (key === "Escape" && target.closest?.(".confirm[open]")) {
    event.preventDefault();
    keep(target.closest(".confirm"));
  } else if (key === "Enter" && target.type === "text" && target.role !== "combobox" && target.closest(".dispatching")) {
    // Enter commits the text of an element that dispatches changes, and submits the view elsewhere.
    event.preventDefault();
    target.blur();
  }
});

document.addEventListener("toggle", ({ target: confirm }) => {
  if (confirm.matches(".confirm[open]")) confirm.querySelector(".keep").focus();
}, true);

function keep(confirm) {
  confirm.open = false;
  confirm.querySelector("summary").focus();
}

document.addEventListener("click", (event) => {
  const link = event.target.closest(".keep");
  if (!link) return;
  event.preventDefault();
  keep(link.closest(".confirm"));
});

window.addEventListener("popstate", () => location.reload());

document.addEventListener("submit", (event) => {
  if (event.target.method !== "post") return;
  event.preventDefault();
  send(event.target, event.submitter);
});

document.addEventListener("DOMContentLoaded", () => {
  if (!document.body.dataset.as) return;
  for (const id of parts) served.set(id, $(id).outerHTML);
  for (const item of $("messages").children) served.set(item.id, item.outerHTML);
  ready(document);
  // The channel stays the same whatever happens elsewhere.
  history.replaceState(null, "", "/?" + new URLSearchParams({ as: document.body.dataset.as, in: document.body.dataset.in }));
  const dialog = document.querySelector("dialog");
  if (dialog) modal(dialog), first(dialog, dialog.querySelector("[aria-invalid=true]"));
  linked();
  watch();
});
