// The page's side of the event panel: names to tick, a log, and what is behind a row.

import { button, make } from "./live/dom.js";
import { LiveView } from "./live/live_view.js";
import { checkbox, codeLine, labelled, submitButton, uniqueId } from "./panels/fields.js";

const MAX_ROWS = 500; // as many as the kernel's side keeps

/** @param {number} seconds */
function clockTime(seconds) {
  const time = new Date(seconds * 1000);
  const milliseconds = String(time.getMilliseconds()).padStart(3, "0");
  return `${time.toLocaleTimeString([], { hour12: false })}.${milliseconds}`;
}

/**
 * The rows of the log, oldest first.
 * @param {HTMLElement} log
 */
function rowsOf(log) {
  return /** @type {HTMLElement[]} */ ([...log.children]);
}

/**
 * The code that subscribes to an event.
 * @param {string} name
 */
function subscribing(name) {
  const words = name === "*" ? "anything" : name.replace(/\W/g, "_");
  return [
    `def on_${words}(event):`,
    "    print(event.name, event.data)",
    "",
    "",
    `stop_listening = bot.subscribe(${JSON.stringify(name)}, on_${words})`,
  ].join("\n");
}

/** @param {View} view */
function render(view) {
  const live = new LiveView(view, "mbot-panel mbot-subscribe", "Events of");
  live.addFrame();
  const { root } = live;

  const tick = (/** @type {string} */ event, /** @type {boolean} */ on) =>
    live.send({ kind: "tick", event, on });
  const head = make("div", root, { className: "mbot-row" });
  const everything = checkbox(head, 'everything ("*")', false, (on) => {
    tick("*", on);
    offerCode(on ? "*" : last);
  });
  const typing = make("form", head, { className: "mbot-row" });
  const typed = labelled(
    typing,
    "Another event",
    make("input", typing, { type: "text", maxLength: 128, size: 16 }),
  );
  submitButton(typing, typing, "Add", "Subscribe to the event that is typed", () => {
    const event = typed.value.trim();
    if (!event) {
      typed.focus();
      return;
    }
    tick(event, true);
    offerCode(event);
    typed.value = "";
  });

  const names = make("ul", root, {
    className: "mbot-names",
    "aria-label": "Events, how many came, and how many a second",
  });
  const ticks = new Map();
  const writeNames = (/** @type {[string, number, number, boolean][]} */ events) => {
    for (const [name, count, rate, on] of events) {
      if (!ticks.has(name)) {
        const item = make("li", names);
        const box = checkbox(item, name, on, (now) => {
          tick(name, now);
          offerCode(name);
        });
        ticks.set(name, { box, count: make("span", item, { className: "mbot-count" }) });
        const sorted = [...names.children].sort((one, other) =>
          one.textContent.localeCompare(other.textContent),
        );
        if (sorted.at(-1) !== item) names.insertBefore(item, sorted[sorted.indexOf(item) + 1]);
      }
      const known = ticks.get(name);
      known.box.checked = on;
      known.count.textContent = [count || "", rate ? `${rate}/s` : ""].filter(Boolean).join(" · ");
    }
  };

  const bar = make("div", root, { className: "mbot-row" });
  const pause = button(bar, "Pause", "Pause the log", () =>
    live.send({ kind: "pause", on: pause.getAttribute("aria-pressed") !== "true" }),
  );
  button(bar, "Clear", "Clear the log", () => live.send({ kind: "clear" }));
  const filter = labelled(
    bar,
    "Filter",
    make("input", bar, { type: "search", size: 14, placeholder: "name or text" }),
  );
  const state = make("span", bar, { className: "mbot-small", role: "status" });

  const log = make("div", root, {
    className: "mbot-log",
    tabIndex: 0,
    role: "listbox",
    "aria-label": "Log of events, newest last; Enter shows the message of one",
  });
  const hint = make("div", root, {
    className: "mbot-small",
    textContent: "Tick an event; what comes is listed here. A click on a row shows its message.",
  });

  const matches = (/** @type {HTMLElement} */ row) =>
    !filter.value ||
    row.dataset.number === undefined ||
    row.textContent.toLowerCase().includes(filter.value.toLowerCase());
  /** @type {HTMLElement | null} */
  let chosen = null;
  const choose = (/** @type {HTMLElement} */ row) => {
    if (chosen) chosen.setAttribute("aria-selected", "false");
    chosen = row;
    row.setAttribute("aria-selected", "true");
    log.setAttribute("aria-activedescendant", row.id);
    row.scrollIntoView({ block: "nearest" });
    live.ask({ kind: "frame", number: Number(row.dataset.number) });
    offerCode(row.dataset.name ?? "");
  };
  const write = (/** @type {any[][]} */ rows, /** @type {boolean} */ all) => {
    if (all) {
      log.replaceChildren();
      chosen = null;
    }
    const atEnd = log.scrollTop + log.clientHeight >= log.scrollHeight - 8;
    for (const [number, time, name, text] of rows.slice(-MAX_ROWS)) {
      const row = make("div", log, {
        className: "mbot-log-row",
        id: uniqueId("row"),
        role: "option",
        "aria-selected": "false",
      });
      if (number === null) {
        // Some that are not listed: nothing to choose.
        row.setAttribute("aria-disabled", "true");
        row.classList.add("mbot-log-more");
        row.textContent = text;
        continue;
      }
      Object.assign(row.dataset, { number, name });
      make("time", row, { textContent: clockTime(time) });
      make("b", row, { textContent: name });
      make("span", row, { textContent: text });
      row.hidden = !matches(row);
      row.addEventListener("click", () => choose(row));
    }
    while (log.childElementCount > MAX_ROWS) log.firstElementChild?.remove();
    hint.hidden = log.childElementCount > 0;
    if (atEnd && rows.length) log.scrollTop = log.scrollHeight;
  };
  log.addEventListener("keydown", (event) => {
    const shown = rowsOf(log).filter((row) => !row.hidden && row.dataset.number !== undefined);
    const at = chosen ? shown.indexOf(chosen) : -1;
    const to = {
      ArrowDown: at + 1,
      ArrowUp: at < 0 ? shown.length - 1 : at - 1,
      Home: 0,
      End: shown.length - 1,
      Enter: at < 0 ? shown.length - 1 : at,
    }[event.key];
    if (to === undefined || !shown[to]) return;
    event.preventDefault();
    choose(shown[to]);
  });
  filter.addEventListener("input", () => {
    for (const row of rowsOf(log)) row.hidden = !matches(row);
  });

  const frame = make("pre", root, {
    className: "mbot-frame",
    tabIndex: 0,
    hidden: true,
    role: "region",
    "aria-label": "The message of the chosen event, as JSON",
  });
  const failures = make("div", root, { className: "mbot-trouble", role: "status" });
  const code = codeLine(root, "the code that subscribes");
  let last = "stimulus_detected";
  const offerCode = (/** @type {string} */ name) => {
    if (name !== "*") last = name;
    code.textContent = subscribing(name);
  };
  offerCode(last);
  live.addStatus();

  live.onValues = (values, all) => {
    if (values.events) writeNames(values.events);
    if ("all" in values) everything.checked = values.all;
    if (values.rows) write(values.rows, all);
    else if (all) write([], true);
    if ("paused" in values) {
      pause.setAttribute("aria-pressed", String(values.paused));
      pause.textContent = values.paused ? "Go on" : "Pause";
    }
    const { paused, held_back: heldBack } = live.values;
    state.textContent = paused ? `Paused; ${heldBack} came meanwhile.` : "";
    if (values.failures) failures.textContent = values.failures.join("\n");
  };
  live.onMessage = (content) => {
    if (content.kind !== "frame" || String(content.number) !== chosen?.dataset.number) return;
    frame.hidden = false;
    frame.textContent = content.text;
  };
  return live.start();
}

export default { render };
