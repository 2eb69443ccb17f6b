"use strict";
// The page works without this script. It saves clicks and shows changes immediately.
document.documentElement.classList.add("scripted");

const parts = ["people", "channels", "messages", "view"];
let busy = false;
// The parts as they were served, without what was opened or entered since.
const served = new Map(parts.map((id) => [id, document.getElementById(id).outerHTML]));

function times(root) {
  for (const time of root.querySelectorAll("time")) {
    const at = new Date(time.dateTime);
    time.title = time.textContent;
    time.textContent = at.toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
  }
}

// Whether a control was changed since the page was served.
function entered(control) {
  if (control.type === "radio" || control.type === "checkbox") return control.checked !== control.defaultChecked;
  if (control.options) return [...control.options].some((option) => option.value && option.selected && !option.defaultSelected);
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
        for (const option of control.selectedOptions) {
          const found = [...other.options].find((known) => known.value === option.value);
          if (found) found.selected = true; else other.append(new Option(option.text, option.value, false, true));
        }
      } else {
        other.value = control.value;
      }
    }
  }
  const focused = document.activeElement;
  if (before.contains(focused) && focused.name) {
    const [other] = same(focused);
    return () => {
      other?.focus();
      if (other?.setSelectionRange && focused.selectionStart !== null) other.setSelectionRange(focused.selectionStart, focused.selectionEnd);
    };
  }
  return () => {};
}

async function reload() {
  const answer = await fetch(location.href);
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const id of parts) {
    const before = document.getElementById(id);
    const after = page.getElementById(id);
    // Options that were found for what is being typed are no reason to disturb the view.
    const is = id === "view" ? after.dataset.is ?? "" : after.outerHTML;
    if (is === (id === "view" ? before.dataset.is ?? "" : served.get(id))) continue;
    served.set(id, is);
    times(after);
    const focus = carry(before, after);
    before.replaceWith(document.adoptNode(after));
    focus();
  }
  document.body.dataset.version = page.body.dataset.version;
}

async function watch() {
  for (;;) {
    try {
      const query = new URLSearchParams({ as: document.body.dataset.as, since: document.body.dataset.version });
      const answer = await fetch("/state?" + query);
      const state = await answer.json();
      if (!busy && String(state.version) !== document.body.dataset.version) await reload();
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 2000));
    }
  }
}

// Fills a menu with the options that the app suggests.
async function offer(external, typed) {
  const query = new URLSearchParams({
    as: document.body.dataset.as,
    on: external.closest("form").dataset.on,
    block: external.dataset.block,
    action: external.dataset.action,
    typed,
  });
  const answer = await fetch("/options?" + query);
  if (!answer.ok) return;
  const menu = external.querySelector("select");
  const picked = [...menu.selectedOptions].filter((option) => option.value);
  const kept = new Set(picked.map((option) => option.value));
  const found = (await answer.json()).options.filter((option) => !kept.has(option.value));
  const empty = [...menu.options].filter((option) => !option.value && !kept.has(""));
  menu.replaceChildren(...empty, ...picked, ...found.map((option) => new Option(option.text, option.value)));
  menu.size = Math.min(8, Math.max(2, menu.options.length));
}

let typing = 0;
document.addEventListener("input", (event) => {
  const external = event.target.closest(".external");
  if (!external || event.target.type !== "search") return;
  clearTimeout(typing);
  typing = setTimeout(() => offer(external, event.target.value), 150);
});

// Loads the options of a menu for an empty query when it receives the focus.
document.addEventListener("focusin", (event) => {
  const external = event.target.closest(".external");
  if (!external || external.dataset.offered) return;
  external.dataset.offered = "yes";
  offer(external, external.querySelector("input[type=search]")?.value ?? "");
});

document.addEventListener("change", (event) => {
  if (event.target.type === "search") return;
  const button = event.target.parentElement.querySelector(":scope > .dispatch") ??
    event.target.closest("fieldset, .actions, .section")?.querySelector(".dispatch");
  if (button) button.click();
});

// Enter commits the text of an element that dispatches changes, and submits the view elsewhere.
document.addEventListener("keydown", (event) => {
  const button = event.key === "Enter" && event.target.type === "text" &&
    event.target.closest("fieldset")?.querySelector(".dispatch");
  if (!button) return;
  event.preventDefault();
  event.target.blur();
});

document.addEventListener("submit", () => { busy = true; });

times(document);
watch();
