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
  const robotSelect = labelled(form, "Robot", make("select", form));
  const typed = make("input", form, {
    type: "text",
    placeholder: "192.168.1.20:4000",
    size: 20,
    hidden: true,
    spellcheck: false,
    "aria-label": "Address, as ws://192.168.1.20:4000",
  });
  const connect = () => {
    const address = robotSelect.value === OTHER ? typed.value.trim() : robotSelect.value;
    if (robotSelect.value === OTHER && !address) {
      typed.focus();
      return;
    }
    live.ask({
      kind: "connect",
      address,
      token: token.value,
      window: batchWindow.value === "" ? null : Number(batchWindow.value),
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
  const batchWindow = labelled(
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

  const activity = make("div", root, { className: "mbot-row", hidden: true });
  const doing = make("span", activity, { role: "status" });
  const bar = make("progress", activity, { max: 1 });
  button(activity, "Cancel", "Cancel what is being done", () => live.ask({ kind: "cancel" }));

  const trouble = make("div", root, {
    className: "mbot-trouble",
    role: "alert",
    "data-field": "trouble",
  });
  live.addStatus();

  const writeChoices = (/** @type {Values[]} */ choices) => {
    const before = robotSelect.value;
    robotSelect.replaceChildren();
    make("option", robotSelect, { value: "", textContent: "simulator, in this notebook" });
    for (const { address, words, usable } of choices ?? []) {
      make("option", robotSelect, {
        value: address,
        textContent: words.length > 90 ? `${words.slice(0, 89)}…` : words,
        title: words,
        disabled: !usable,
      });
    }
    const known = new Set([...robotSelect.options].map((option) => option.value));
    const recent = recentAddresses().filter((address) => !known.has(address));
    if (recent.length) {
      const group = make("optgroup", robotSelect, { label: "Recent" });
      for (const address of recent) make("option", group, { value: address, textContent: address });
    }
    make("option", robotSelect, { value: OTHER, textContent: "another address …" });
    if ([...robotSelect.options].some((option) => option.value === before))
      robotSelect.value = before;
    typed.hidden = robotSelect.value !== OTHER;
  };
  robotSelect.addEventListener("change", () => {
    typed.hidden = robotSelect.value !== OTHER;
    if (!typed.hidden) typed.focus();
  });

  let received = 0;
  const writeCountdown = () => {
    const { attempt, wait, doing: now } = live.values;
    const passed = (performance.now() - received) / 1000;
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
    if ("choices" in values) writeChoices(values.choices);
    if ("wait" in values || "doing" in values || "attempt" in values) received = performance.now();
    const { bot, attempt, profile, latency, connection, address, lasting } = live.values;
    const busy = Boolean(live.values.doing);
    activity.hidden = !busy;
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
      writeChoices(live.values.choices);
    }
    if (values.window !== null && values.window !== undefined) batchWindow.value = values.window;
    writeCountdown();
  };
  live.every(200, writeCountdown);
  return live.start();
}

export default { render };
