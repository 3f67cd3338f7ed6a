// What all live widgets share: one view of a widget, its messages, and whether it is on the
// screen.

import { Clock } from "./clock.js";
import { DirectConnection, isOnKernelMachine } from "./direct_connection.js";
import { button, keepKeys, make } from "./dom.js";
import {
  FINDING_OUT,
  lastStopMessage,
  NO_ANSWER,
  noteMessage,
  remoteStopMessage,
  STOP_MESSAGES,
} from "./messages.js";

const RENEW_INTERVAL = 30_000; // ms between two signs that this view is still on the screen
const ANSWER_TIMEOUT = 2_500; // ms until a question without an answer says so

export const SETTLE_TIME = 1_500; // ms

/** One view of a live widget. `onValues` gets the values that came, `onMessage` what is of another kind. */
export class LiveView {
  /**
   * @param {View} given
   * @param {string} className
   * @param {string} [name] what it shows, before the robot's own name
   */
  constructor({ model, el }, className, name = "Robot") {
    this.model = model;
    this.name = name;
    this.id = Math.random().toString(36).slice(2);
    this.root = make("div", el, { className: `mbot ${className}`, role: "group" });
    this.framed = model.get("snapshot").framed !== false;
    if (!this.framed) this.root.dataset.bare = "true";
    keepKeys(this.root);
    this.clock = new Clock();
    /** @type {Values} */
    this.values = {};
    this.shown = false;
    this.ended = false;
    /** @type {(values: Values, all: boolean) => void} */
    this.onValues = () => {};
    /** @type {(content: Values, buffers: DataView[]) => void} */
    this.onMessage = () => {};
    /** @type {(visible: boolean) => void} */
    this.onVisible = () => {};
    this.onRestyle = () => {};
    this.onScreen = false;
    this.unanswered = false;
    /** @type {number | undefined} */
    this.answerTimer = undefined;
    /** @type {number | undefined} */
    this.settleTimer = undefined;
    this.noteReceived = 0;
    /** @type {DirectConnection | null} */
    this.direct = null;
    this.findingRoute = false;
    this.answered = true;
    /** @type {(() => void)[]} */
    this.cleanups = [];
    const leaving = new AbortController();
    this.signal = leaving.signal; // ends what listens to the page
    this.cleanups.push(() => leaving.abort());
  }

  // Parts that several widgets have.

  /**
   * The light, the connection in words, the robot's name, and a note.
   * @param {Element} parent
   */
  addConnection(parent) {
    const head = make("div", parent, { className: "mbot-connection" });
    make("span", head, { className: "mbot-light", "aria-hidden": "true" });
    this.connectionField = make("span", head, { "data-field": "connection" });
    this.robotField = make("span", parent, { className: "mbot-robot" });
    this.noteField = make("span", parent, { className: "mbot-note" });
  }

  /**
   * Stop and Release, and how long the last stop took.
   * @param {Element} parent
   */
  addStop(parent) {
    const row = make("div", parent, { className: "mbot-stop-row" });
    button(row, "Stop", "Stop the robot, and let it stay so", () => this.stop(), "mbot-stop");
    this.releaseButton = button(
      row,
      "Release",
      "Release the stop: the robot may move again",
      () => {
        this.showStatus("Releasing …");
        this.ask({ kind: "release" });
      },
    );
    this.releaseButton.disabled = true;
  }

  /** @param {Element} parent */
  addStopMessages(parent) {
    this.lastStopField = make("div", parent, {
      className: "mbot-small",
      "data-field": "last-stop",
    });
    this.stopAvailabilityField = make("div", parent, {
      className: "mbot-small mbot-stop-availability",
      "data-field": "stop-availability",
    });
  }

  /** Connection and Stop above a widget on its own; nothing in a panel that has them. */
  addFrame() {
    if (!this.framed) return;
    const head = make("div", this.root, { className: "mbot-head" });
    const words = make("div", head, { className: "mbot-head-words" });
    this.addConnection(words);
    this.addStop(head);
    this.addStopMessages(this.root);
  }

  /**
   * Where it says what was done and what went wrong.
   * @param {Element} [parent]
   */
  addStatus(parent = this.root) {
    this.statusField = make("div", parent, {
      className: "mbot-status",
      role: "status",
      "data-field": "status",
    });
  }

  // To the kernel.

  /** @param {Values} content */
  send(content) {
    try {
      this.model.send({ view: this.id, ...content });
    } catch {
      this.showNoAnswer();
    }
  }

  /**
   * Send what is to be answered soon.
   * @param {Values} content
   */
  ask(content) {
    this.send(content);
    this.expectAnswer();
  }

  expectAnswer() {
    clearTimeout(this.answerTimer);
    this.answerTimer = setTimeout(() => this.showNoAnswer(), ANSWER_TIMEOUT);
  }

  /** @param {string} [kind] */
  stop(kind = "emergency_stop") {
    this.showStatus("Stopping …");
    this.answered = false;
    this.send({ kind, at: this.clock.now() });
    if (this.direct) {
      // Only while the kernel is silent: what it says is said by the robot.
      const showUnlessAnswered = (/** @type {string} */ text, error = false) =>
        this.answered || this.showStatus(text, error);
      const stays = kind === "emergency_stop" ? " It stays so until you release it." : "";
      this.direct.connect(kind).then(
        () => {
          clearTimeout(this.answerTimer); // the robot has stopped, whatever the kernel is doing
          showUnlessAnswered(`Stopped over the page's own connection.${stays}`);
        },
        (reason) =>
          showUnlessAnswered(`The page's own connection to the robot failed: ${reason}.`, true),
      );
    }
    this.expectAnswer();
  }

  askClock() {
    this.send({ kind: "clock", page: performance.now() });
  }

  // Words.

  /** @param {string} text @param {boolean} [error] */
  showStatus(text, error = false) {
    if (!this.statusField) return;
    this.statusField.textContent = text;
    this.statusField.dataset.error = String(error);
  }

  /** What is shown as the connection is not known to be true any more. */
  showNoAnswer() {
    this.showStatus(NO_ANSWER, true);
    this.unanswered = true;
    this.writeConnection("no answer");
    this.onVisible(this.shown);
  }

  /** @param {string} words */
  writeConnection(words) {
    this.root.dataset.connection = words;
    if (this.connectionField) this.connectionField.textContent = this.connectionWords(words);
  }

  /**
   * A connection in words: a server may well be there that does not reach its robot.
   * @param {string} state
   */
  connectionWords(state) {
    return state === "connected" && this.values.unreachable ? "robot out of reach" : state;
  }

  /** @param {string} words */
  writeStopAvailability(words) {
    if (this.stopAvailabilityField) this.stopAvailabilityField.textContent = words;
  }

  // From the kernel.

  /** @param {Values} content @param {DataView[]} buffers */
  receive(content, buffers) {
    clearTimeout(this.answerTimer);
    if (this.unanswered) {
      this.unanswered = false;
      this.showStatus("");
      this.writeConnection(this.values.connection ?? "");
    }
    if (content.kind === "status") {
      this.answered = true;
      this.showStatus(content.text, content.error);
    } else if (content.kind === "clock") {
      // The first answer is often a slow one.
      if (this.clock.onAnswer(content.page, content.here) < 3) this.askClock();
    } else if (content.kind === "route") this.onRoute(content);
    else if (content.kind === "all" || content.kind === "changed")
      this.applyValues(content, content.kind === "all");
    else this.onMessage(content, buffers ?? []);
  }

  /** @param {Values} values @param {boolean} all */
  applyValues(values, all) {
    Object.assign(this.values, values);
    if ("unreachable" in values) this.root.dataset.unreachable = String(values.unreachable);
    if ("connection" in values || "unreachable" in values)
      this.writeConnection(this.values.connection);
    if ("robot" in values) {
      if (this.robotField) this.robotField.textContent = values.robot;
      this.root.setAttribute("aria-label", `${this.name} ${values.robot}`);
    }
    if ("note" in values) {
      this.noteReceived = performance.now();
      if (this.noteField) this.noteField.textContent = noteMessage(values.note, 0);
    }
    if ("latched" in values) {
      this.root.dataset.latched = String(values.latched);
      if (this.releaseButton) this.releaseButton.disabled = !values.latched || this.ended;
    }
    if ("last_stop" in values && this.lastStopField)
      this.lastStopField.textContent = lastStopMessage(values.last_stop);
    if ("stop_availability" in values) this.onStopAvailability(values.stop_availability);
    if (values.status?.text) this.showStatus(values.status.text, values.status.error);
    if (values.ended) {
      this.ended = true;
      /** @type {NodeListOf<HTMLButtonElement | HTMLInputElement | HTMLSelectElement>} */
      const controls = this.root.querySelectorAll("button, input, select");
      for (const element of controls) element.disabled = true;
    }
    this.onValues(values, all);
  }

  /**
   * Whether a stop works while a cell blocks; before anybody needs it.
   * @param {string} availability
   */
  onStopAvailability(availability) {
    this.direct = null;
    if (!isOnKernelMachine()) this.writeStopAvailability(remoteStopMessage(availability));
    else if (!availability.startsWith("direct"))
      this.writeStopAvailability(STOP_MESSAGES[availability] ?? "");
    else if (!this.findingRoute) {
      this.findingRoute = true;
      this.writeStopAvailability(FINDING_OUT);
      this.send({ kind: "route" });
    }
  }

  /** @param {Values} route */
  onRoute(route) {
    if (!this.findingRoute) return; // another view has asked
    this.findingRoute = false;
    const availability = this.values.stop_availability;
    if (!route.url) {
      this.writeStopAvailability(remoteStopMessage(availability));
      return;
    }
    const direct = new DirectConnection(/** @type {Route} */ (route));
    direct.connect().then(
      () => {
        this.direct = direct;
        this.writeStopAvailability(STOP_MESSAGES[availability] ?? "");
      },
      () => this.writeStopAvailability(remoteStopMessage(availability)),
    );
  }

  // A life on the screen.

  /**
   * Call an action so often, in ms, until the view ends.
   * @param {number} interval
   * @param {() => void} action
   */
  every(interval, action) {
    const timer = setInterval(action, interval);
    this.cleanups.push(() => clearInterval(timer));
  }

  /** Begin: show what is known, and tell the kernel that somebody looks. Returns what ends it. */
  start() {
    const { model, signal } = this;
    const onMessage = (/** @type {Values} */ content, /** @type {DataView[]} */ buffers) =>
      this.receive(content, buffers);
    // The page has lost its kernel, or found it again: ask it.
    const probe = () => this.ask({ kind: "show", fresh: true });
    const updateVisibility = () => {
      // Only a view that somebody can see costs anything.
      const now = this.onScreen && !document.hidden;
      if (now === this.shown) return;
      this.shown = now;
      this.send({ kind: now ? "show" : "hide" });
      if (now) this.askClock();
      // Once more when a page that has just been opened has settled: the kernel then sees in
      // which thread it is heard.
      clearTimeout(this.settleTimer);
      if (now) this.settleTimer = setTimeout(() => this.askClock(), SETTLE_TIME);
      this.onVisible(now);
    };
    const gone = () => this.send({ kind: "gone" });
    const watcher = new IntersectionObserver((entries) => {
      this.onScreen = Boolean(entries.at(-1)?.isIntersecting);
      updateVisibility();
    });
    watcher.observe(this.root);
    this.every(RENEW_INTERVAL, () => {
      if (!this.shown || this.ended) return;
      this.send({ kind: "show" });
      this.askClock();
    });
    this.every(500, () => {
      const { note } = this.values;
      if (note?.wait && this.noteField)
        this.noteField.textContent = noteMessage(note, performance.now() - this.noteReceived);
    });
    const repaint = () => this.onRestyle();
    const sizes = new ResizeObserver(repaint);
    sizes.observe(this.root);
    const themes = new MutationObserver(repaint);
    themes.observe(document.body, {
      attributes: true,
      attributeFilter: ["data-jp-theme-light", "data-jp-theme-name", "class"],
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint, { signal });
    document.addEventListener("visibilitychange", updateVisibility, { signal });
    addEventListener("pagehide", gone, { signal });
    model.on("msg:custom", onMessage);
    model.on("comm_live_update", probe);
    this.applyValues(model.get("snapshot"), true);
    this.cleanups.push(() => {
      model.off("msg:custom", onMessage);
      model.off("comm_live_update", probe);
      for (const observer of [watcher, sizes, themes]) observer.disconnect();
      clearTimeout(this.answerTimer);
      clearTimeout(this.settleTimer);
      gone();
    });
    return () => {
      for (const clean of this.cleanups) clean();
    };
  }
}
