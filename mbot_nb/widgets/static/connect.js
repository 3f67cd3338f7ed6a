// The page's side of the connection panel: where to, the light and its words, the countdown.

import { button, make } from "./live/dom.js";
import { LiveView } from "./live/live_view.js";
import { labelled, submitButton } from "./panels/fields.js";
import { recentAddresses, rememberAddress } from "./panels/recent_addresses.js";

const OTHER = "?";

/** @type {Record<string, string>} */
const LIGHTS = {
  connected: "Connected",
  connecting: "Connecting …",
  reconnecting: "Connection lost",
  error: "Given up",
  "not connected": "Not connected",
  "no answer": "The kernel does not answer",
  closed: "Closed",
  "robot out of reach": "Robot out of reach",
};

/** @param {View} view */
function render(view) {
  const live = new LiveView(view, "mbot-panel mbot-connect", "Connection to");
  const { root } = live;
  const head = make("div", root, { className: "mbot-head" });
  const words = make("div", head, { className: "mbot-head-words" });
  const state = make("div", words, { className: "mbot-connection" });
  make("span", state, { className: "mbot-light", "aria-hidden": "true" });
  const light = make("span", state, { role: "status", "data-field": "connection" });
  live.robotField = make("span", words, { className: "mbot-robot" });
  const details = make("span", words, { className: "mbot-small", "data-field": "details" });
  if (live.framed) {
    live.addStop(head);
    live.addStopMessages(root);
  }

  const form = make("form", root, { className: "mbot-row" });
  const where = labelled(form, "Robot", make("select", form));
  const typed = make("input", form, {
    type: "text",
    placeholder: "192.168.1.20:4000",
    size: 20,
    hidden: true,
    spellcheck: false,
    "aria-label": "Address, as ws://192.168.1.20:4000",
  });
  const connect = () => {
    const address = where.value === OTHER ? typed.value.trim() : where.value;
    if (where.value === OTHER && !address) {
      typed.focus();
      return;
    }
    live.ask({
      kind: "connect",
      address,
      token: token.value,
      window: window_.value === "" ? null : Number(window_.value),
    });
  };
  const primary = "mbot-button mbot-primary";
  submitButton(form, form, "Connect", "Connect to the robot", connect, primary);
  const more = make("details", root, { className: "mbot-more" });
  make("summary", more, { textContent: "Token and batching" });
  const grid = make("div", more, { className: "mbot-row" });
  const token = labelled(
    grid,
    "Token",
    make("input", grid, { type: "password", size: 14, autocomplete: "off" }),
  );
  const window_ = labelled(
    grid,
    "Batch window (s)",
    make("input", grid, { type: "number", min: 0, max: 10, step: "any", value: 0.1 }),
  );

  const discover = button(
    form,
    "Look for robots",
    "Look for robots on this machine: on USB, and servers",
    () => live.ask({ kind: "discover" }),
  );

  const connected = make("div", root, { className: "mbot-row", hidden: true });
  const lost = make("span", connected, { className: "mbot-row", hidden: true });
  const countdown = make("span", lost, { "data-field": "countdown" });
  const retry = button(lost, "Retry now", "Try to connect now", () => live.ask({ kind: "retry" }));
  button(connected, "Disconnect", "Disconnect from the robot", () =>
    live.ask({ kind: "disconnect" }),
  );

  const work = make("div", root, { className: "mbot-row", hidden: true });
  const doing = make("span", work, { role: "status" });
  const bar = make("progress", work, { max: 1 });
  button(work, "Cancel", "Cancel what is being done", () => live.ask({ kind: "cancel" }));

  const trouble = make("div", root, {
    className: "mbot-trouble",
    role: "alert",
    "data-field": "trouble",
  });
  live.addStatus();

  const offer = (/** @type {Values[]} */ choices) => {
    const before = where.value;
    where.replaceChildren();
    make("option", where, { value: "", textContent: "simulator, in this notebook" });
    for (const { address, words, usable } of choices ?? []) {
      make("option", where, {
        value: address,
        textContent: words.length > 90 ? `${words.slice(0, 89)}…` : words,
        title: words,
        disabled: !usable,
      });
    }
    const known = new Set([...where.options].map((option) => option.value));
    const recent = recentAddresses().filter((address) => !known.has(address));
    if (recent.length) {
      const group = make("optgroup", where, { label: "Recent" });
      for (const address of recent) make("option", group, { value: address, textContent: address });
    }
    make("option", where, { value: OTHER, textContent: "another address …" });
    if ([...where.options].some((option) => option.value === before)) where.value = before;
    typed.hidden = where.value !== OTHER;
  };
  where.addEventListener("change", () => {
    typed.hidden = where.value !== OTHER;
    if (!typed.hidden) typed.focus();
  });

  let came = 0;
  const count = () => {
    const { attempt, wait, doing: now } = live.values;
    const passed = (performance.now() - came) / 1000;
    if (now) {
      bar.setAttribute("aria-label", now.words);
      doing.textContent = `${now.words}, for ${Math.floor(now.since + passed)} s …`;
    }
    countdown.hidden = (attempt ?? null) === null; // else it keeps its place
    if (countdown.hidden) countdown.textContent = "";
    else if (wait === null) countdown.textContent = `Attempt ${attempt} is under way …`;
    else countdown.textContent = `Attempt ${attempt} in ${Math.max(0, Math.ceil(wait - passed))} s`;
  };

  const writeConnection = live.writeConnection.bind(live);
  live.writeConnection = (state) => {
    writeConnection(state);
    light.textContent = LIGHTS[live.connectionWords(state)] ?? state;
  };

  live.onValues = (values) => {
    if ("choices" in values) offer(values.choices);
    if ("wait" in values || "doing" in values || "attempt" in values) came = performance.now();
    const { bot, attempt, profile, latency, connection, address, lasting } = live.values;
    const busy = Boolean(live.values.doing);
    work.hidden = !busy;
    form.hidden = more.hidden = bot || busy;
    connected.hidden = !bot || busy;
    // Of a client that has given up nothing is planned, but another try can be asked for.
    lost.hidden = (attempt ?? null) === null && connection !== "error";
    retry.disabled = discover.disabled = live.ended;
    retry.hidden = connection === "connected"; // a robot's cable: its server tries by itself
    trouble.textContent = busy ? "" : (live.values.trouble ?? "");
    const parts = [
      address,
      profile && `${profile} profile`,
      latency !== null && connection === "connected" && `${latency.toFixed(2)} ms`,
    ];
    details.textContent = bot ? parts.filter(Boolean).join(" · ") : "";
    if (values.connection === "connected" && lasting) {
      rememberAddress(lasting);
      offer(live.values.choices);
    }
    if (values.window !== null && values.window !== undefined) window_.value = values.window;
    count();
  };
  live.every(200, count);
  return live.start();
}

export default { render };
