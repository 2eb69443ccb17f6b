// What pages do beyond what a browser does by itself: local times, suggestions, live updates, and keys that go somewhere. No key decides.
"use strict";

(() => {
  const root = document.documentElement;
  const isUtc = root.dataset.times === "utc";

  // What the main part said when it was served, to tell whether a later version says anything else.
  let served = document.querySelector("main")?.textContent;

  // Times in the zone of the viewer.
  const clock = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  const day = { day: "numeric", month: "short", year: "numeric" };
  const showTimes = (part) => {
    if (isUtc) return;
    const today = new Date().toDateString();
    for (const time of part.querySelectorAll("time[data-show]")) {
      const at = new Date(time.dateTime);
      const exact = time.dataset.show === "seconds" ? { ...clock, second: "2-digit" } : clock;
      const format = at.toDateString() === today ? exact : { ...day, ...exact };
      time.textContent = new Intl.DateTimeFormat("en-GB", format).format(at);
    }
  };
  const zone = document.querySelector("[data-zone]");
  if (zone && !isUtc) zone.textContent = `Times are local (${Intl.DateTimeFormat().resolvedOptions().timeZone}).`;
  showTimes(document);

  // Time that is left.
  const words = (seconds) => {
    const [days, hours, minutes] = [Math.floor(seconds / 86400), Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60];
    if (days) return hours ? `${days} d ${hours} h` : `${days} d`;
    if (hours) return minutes ? `${hours} h ${minutes} min` : `${hours} h`;
    return minutes ? `${minutes} min` : `${Math.floor(seconds)} s`;
  };
  const countDown = () => {
    for (const box of document.querySelectorAll(".countdown[data-until]")) {
      const left = (new Date(box.dataset.until) - Date.now()) / 1000;
      const bar = box.querySelector("progress");
      if (!bar || left <= 0) continue;
      bar.value = left;
      box.querySelector("b").textContent = `${words(left)} left`;
      const isSoon = left <= 300 || left * 10 <= bar.max;
      box.classList.toggle("is-waiting", isSoon);
      box.classList.toggle("is-active", !isSoon);
    }
  };
  setInterval(countDown, 10_000);

  // An error is read first.
  const focusMessage = () => document.querySelector(".flash.is-failed[tabindex]")?.focus();
  focusMessage();

  // A form that is sent once is not sent twice, whatever is pressed. A page that comes back from the history can be used again.
  const busy = (form, is) => form.setAttribute("aria-busy", String(is));
  document.addEventListener("submit", (event) => {
    if (event.target.getAttribute("aria-busy") === "true") event.preventDefault();
    else if (event.target.method === "post") setTimeout(() => busy(event.target, true));
  });
  addEventListener("pageshow", () => document.querySelectorAll("form[aria-busy]").forEach((form) => busy(form, false)));

  // Returns how to find an element in another version of the main part: by its id, or else as the same link or button.
  const placeOf = (element, part) => {
    if (!element || !part.contains(element)) return undefined;
    if (element.id) return () => document.getElementById(element.id);
    const like = (other) => ["href", "name", "value"].every((name) => other.getAttribute(name) === element.getAttribute(name)) && other.textContent === element.textContent;
    return (main) => [...main.querySelectorAll(element.tagName)].find(like);
  };

  // Says to those who hear the page that it has changed. The place is outside of what is replaced, or nothing would be heard.
  const announce = (text) => {
    const place = document.querySelector("[data-announce]");
    if (place) place.textContent = text;
  };

  // Replaces the main part by that of another version of the page, and keeps the place where somebody types.
  const replaceMain = (text) => {
    const fresh = new DOMParser().parseFromString(text, "text/html");
    const [old, main] = [document.querySelector("main"), fresh.querySelector("main")];
    if (!main) return false;
    served = main.textContent;
    const [focused, caret] = [placeOf(document.activeElement, old), document.activeElement?.selectionStart];
    const unfolded = [...old.querySelectorAll("details[open] > summary")].map((summary) => summary.textContent);
    old.replaceWith(document.adoptNode(main));
    for (const summary of main.querySelectorAll("details > summary")) {
      if (unfolded.includes(summary.textContent)) summary.parentElement.open = true;
    }
    const nav = fresh.querySelector(".top .tabs");
    if (nav) document.querySelector(".top .tabs")?.replaceWith(document.adoptNode(nav));
    showTimes(document);
    prepare();
    const again = focused?.(main);
    if (again) {
      again.focus({ preventScroll: true });
      if (typeof caret === "number" && again.setSelectionRange && again.type !== "checkbox") again.setSelectionRange(caret, caret);
    }
    return true;
  };

  // The form of a request comes back changed by the flow's handlers whenever a field was left that differs.
  const settleForm = async (form) => {
    const data = new URLSearchParams(new FormData(form));
    data.set("action", "change");
    const sent = data.toString();
    // A button named `action` hides the property.
    const answer = await fetch(form.getAttribute("action"), { method: "POST", body: data, headers: { accept: "text/html" } }).catch(() => null);
    if (!answer?.ok || answer.redirected) return;
    const text = await answer.text();
    // What was typed meanwhile is not lost: the next change sends it.
    const now = new URLSearchParams(new FormData(form));
    now.set("action", "change");
    if (document.contains(form) && now.toString() === sent) replaceMain(text);
  };

  // Suggestions while one types: the combobox pattern of ARIA.
  const suggest = (input) => {
    const [list, status] = [document.createElement("ul"), document.createElement("p")];
    const box = document.createElement("div");
    box.className = "options";
    box.hidden = true;
    list.role = "listbox";
    list.id = `${input.id}-options`;
    list.setAttribute("aria-label", input.labels?.[0]?.textContent ?? "Options");
    status.setAttribute("role", "status");
    status.className = "small muted";
    box.append(list, status);
    input.after(box);
    for (const [name, value] of [["role", "combobox"], ["aria-expanded", "false"], ["aria-autocomplete", "list"], ["aria-controls", list.id]]) input.setAttribute(name, value);
    let at = -1, last = 0;
    const close = () => {
      box.hidden = true;
      at = -1;
      input.setAttribute("aria-expanded", "false");
      input.removeAttribute("aria-activedescendant");
    };
    const isMany = "many" in input.dataset;
    const line = () => (isMany ? input.value.split("\n").pop() : input.value);
    const choose = (option) => {
      input.value = isMany ? [...input.value.split("\n").slice(0, -1), option.textContent, ""].join("\n") : option.textContent;
      close();
      input.dispatchEvent(new Event("change", { bubbles: true }));
    };
    const mark = (index) => {
      at = index;
      [...list.children].forEach((option, number) => option.setAttribute("aria-selected", String(number === at)));
      const marked = list.children[at];
      if (!marked) return input.removeAttribute("aria-activedescendant");
      input.setAttribute("aria-activedescendant", marked.id);
      marked.scrollIntoView({ block: "nearest" });
    };
    const find = async () => {
      const number = ++last;
      const answer = await fetch(`${input.dataset.suggest}?q=${encodeURIComponent(line())}`).catch(() => null);
      if (number !== last || document.activeElement !== input) return;
      const options = answer?.ok ? (await answer.json()).options : [];
      list.replaceChildren(...options.map(({ label }, index) => {
        const option = document.createElement("li");
        option.role = "option";
        option.id = `${list.id}-${index}`;
        option.textContent = label;
        return option;
      }));
      status.textContent = answer?.ok ? (options.length ? `${options.length} shown` : "Nothing matches") : "The options cannot be read now";
      box.hidden = false;
      input.setAttribute("aria-expanded", "true");
      mark(-1);
    };
    let timer;
    input.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(find, 150); });
    input.addEventListener("keydown", (event) => {
      const count = list.children.length;
      if (event.key === "ArrowDown" && box.hidden) find();
      else if (event.key === "ArrowDown") mark(Math.min(at + 1, count - 1));
      else if (event.key === "ArrowUp" && !box.hidden) mark(Math.max(at - 1, 0));
      else if (event.key === "Enter" && !box.hidden && at >= 0) choose(list.children[at]);
      else if (event.key === "Escape" && !box.hidden) close();
      else return;
      event.preventDefault();
    });
    input.addEventListener("blur", () => setTimeout(close, 150));
    list.addEventListener("mousedown", (event) => { event.preventDefault(); const option = event.target.closest("[role=option]"); if (option) choose(option); });
  };

  // The buttons of the inbox say how many are marked.
  const countMarked = (form) => {
    const show = () => {
      const marked = form.querySelectorAll(".mark:checked").length;
      form.querySelector("[data-hint]").textContent = marked ? `${marked} marked. You see them once more before anything is decided.` : "Mark requests to decide several at once.";
      for (const button of form.querySelectorAll("[name=bulk]")) button.disabled = marked === 0;
    };
    form.addEventListener("change", show);
    show();
  };

  const prepare = () => {
    document.querySelectorAll("[data-suggest]").forEach(suggest);
    document.querySelectorAll("[data-bulk]").forEach(countMarked);
    for (const form of document.querySelectorAll("[data-form]")) {
      form.addEventListener("change", (event) => { if (event.target.name) settleForm(form); });
    }
    showLive();
  };

  // Live updates. A page in which somebody types or has marked something is not replaced under their hands.
  const follow = root.dataset.live;
  let isLive = false, wasLive = false, lastSeen = new Date();
  const showLive = () => {
    const text = isLive ? "live" : `not live, last seen ${new Intl.DateTimeFormat("en-GB", { ...clock, ...(isUtc && { timeZone: "UTC" }) }).format(lastSeen)}`;
    for (const dot of document.querySelectorAll(".live")) {
      dot.hidden = !wasLive;
      dot.classList.toggle("is-stale", !isLive);
      dot.textContent = text;
    }
  };
  const isTouched = () => [...document.querySelectorAll("main input:not([type=hidden]), main textarea, main select")].some((field) =>
    field.type === "checkbox" || field.type === "radio" ? field.checked !== field.defaultChecked
      : field.tagName === "SELECT" ? [...field.options].some((option) => option.selected !== option.defaultSelected && !(field.selectedIndex === 0 && ![...field.options].some((each) => each.defaultSelected)))
        : field.value !== field.defaultValue);
  const offer = (what, label) => {
    if (document.querySelector(".flash.news")?.dataset.what === what) return;
    document.querySelector(".flash.news")?.remove();
    const news = document.createElement("div");
    news.className = "flash is-info news";
    news.dataset.what = what;
    news.setAttribute("role", "status");
    const link = document.createElement("a");
    link.href = location.href;
    link.textContent = label;
    const text = document.createElement("p");
    text.append(`${what} `, link, ".");
    news.append(text);
    document.querySelector("main").prepend(news);
  };
  let waiting;
  const refresh = () => {
    clearTimeout(waiting);
    waiting = setTimeout(async () => {
      const answer = await fetch(location.href, { headers: { accept: "text/html" }, redirect: "manual" }).catch(() => null);
      // Whoever is not signed in any more would be sent to do so.
      if (answer?.type === "opaqueredirect") return offer("Your session has ended.", "Sign in again");
      if (!answer?.ok) return;
      lastSeen = new Date();
      const text = await answer.text();
      if (new DOMParser().parseFromString(text, "text/html").querySelector("main")?.textContent === served) return;
      if (isTouched() || document.querySelector(".options:not([hidden])")) offer("Something has changed.", "Show it as it is now");
      else if (replaceMain(text)) announce("The page shows what has changed.");
    }, 250);
  };

  // A browser has few connections to a server, so its pages share one stream: whichever of those that are seen has the lock reads it, and
  // tells the others. A page without a stream looks every half a minute.
  const POLL_INTERVAL = 30_000;
  const channel = "BroadcastChannel" in window ? new BroadcastChannel("sym-changes") : undefined;
  let stream, retry, failures = 0, leaving;
  const hear = ({ live, run, ask }) => {
    if (ask && stream) channel?.postMessage({ live: isLive });
    if (live !== undefined) {
      // What has changed before the stream was there is in neither the page nor the stream.
      if (live && !isLive) refresh();
      if (live || isLive) lastSeen = new Date();
      isLive = live;
      wasLive ||= live;
      showLive();
    }
    if (run !== undefined && (follow === "all" || run === follow)) refresh();
  };
  const tell = (message) => { channel?.postMessage(message); hear(message); };
  const connect = () => {
    stream = new EventSource("/console/changes");
    stream.addEventListener("open", () => { failures = 0; tell({ live: true }); });
    stream.addEventListener("run", (event) => tell({ run: JSON.parse(event.data).run_id }));
    stream.addEventListener("error", () => {
      tell({ live: false });
      // A stream that was refused is not tried again by the browser.
      if (stream?.readyState !== EventSource.CLOSED) return;
      retry = setTimeout(connect, Math.min(POLL_INTERVAL, 1_000 * 2 ** failures++) * (0.5 + Math.random() / 2));
    });
  };
  const disconnect = () => {
    clearTimeout(retry);
    stream?.close();
    stream = undefined;
  };
  const open = () => {
    if (!follow || leaving || document.hidden || !channel || !navigator.locks) return;
    leaving = new AbortController();
    const { signal } = leaving;
    const left = new Promise((resolve) => signal.addEventListener("abort", resolve));
    navigator.locks.request("sym-changes", { signal }, async () => { connect(); await left; disconnect(); }).catch(() => {});
    channel.postMessage({ ask: true });
  };
  // A page that nobody sees leaves the stream to others.
  const leave = () => {
    leaving?.abort();
    leaving = undefined;
    isLive = false;
  };
  const comeBack = () => {
    open();
    if (follow) refresh();
  };
  channel?.addEventListener("message", (event) => { if (leaving) hear(event.data); });
  setInterval(() => { if (follow && !isLive && !document.hidden) refresh(); }, POLL_INTERVAL);
  document.addEventListener("visibilitychange", () => (document.hidden ? leave() : comeBack()));
  addEventListener("pagehide", leave);
  addEventListener("pageshow", (event) => { if (event.persisted) comeBack(); });

  // Keys, unless somebody types. None decides anything.
  const rows = () => [...document.querySelectorAll("[data-bulk] tbody tr")];
  const rowOf = (element) => element?.closest?.("[data-bulk] tbody tr");
  const move = (by) => {
    const all = rows();
    const at = all.indexOf(rowOf(document.activeElement));
    all[at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + by, 0), all.length - 1)]?.querySelector("a")?.focus();
  };
  let isGoing = false;
  const places = { h: "/console", i: "/console/inbox", a: "/console/access", n: "/console/new", o: "/console/operations" };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select, [contenteditable]")) return;
    if (isGoing && places[event.key]) location.assign(places[event.key]);
    else if (event.key === "j" || event.key === "k") move(event.key === "j" ? 1 : -1);
    else if (event.key === "x") rowOf(event.target)?.querySelector(".mark")?.click();
    else if (event.key === "?") document.querySelector(".keys")?.scrollIntoView();
    else if (event.key === "/" && document.querySelector("[data-search]")) { event.preventDefault(); document.querySelector("[data-search]").focus(); }
    isGoing = event.key === "g";
  });

  prepare();
  open();
})();
