// What the page's side of all live widgets is made of: a plain module, no bundler, no network. Messages in, pictures and
// words out; messages back say whether somebody looks, and what he does. The widget's own module follows below.

const HERE = 30_000; // ms between two signs that this view is still on the screen
const PATIENCE = 2_500; // ms until a question without an answer says so
const SETTLED = 1_500; // ms
const PROBE = 3_000; // ms for a connection of the page's own
const SILENT =
  "The kernel does not answer: it is busy with a cell, or it was restarted. After a restart, run the cell again.";

/** What a Stop here reaches while a cell runs, by what the kernel's side has found (see Stopping.reach). */
const REACH = {
  yes: "",
  unknown: "",
  nobody: "",
  awaits:
    "While a cell blocks (time.sleep does), this Stop may wait until the cell ends. With mb.serve(thread=True) it reaches the robot all the same.",
  awaits_cable:
    'While a cell blocks (time.sleep does), this Stop may wait until the cell ends. With mb.connect("usb", thread=True) it reaches the robot all the same.',
  elsewhere:
    "While a cell blocks (time.sleep does), a click on Stop may be heard only when the cell ends. `await asyncio.sleep()` does not block.",
  never: "While a cell runs, this Stop waits until the cell ends. On ipykernel 7.3 it does not.",
  direct: "While a cell blocks, this page stops the robot over a connection of its own.",
  direct_awaits:
    "While a cell blocks (time.sleep does), this Stop waits until the cell ends. With mb.serve(thread=True) it reaches the robot all the same.",
  direct_awaits_cable:
    'While a cell blocks (time.sleep does), this Stop waits until the cell ends. With mb.connect("usb", thread=True) it reaches the robot all the same.',
};
const ASKING = "Finding out whether this page reaches the robot while a cell runs …";
const WAITS =
  "While a cell blocks (time.sleep does), this Stop waits until the cell ends: this page cannot reach the robot's server by itself. `await asyncio.sleep()` does not block.";
/** The same of a page that cannot reach the robot's server by itself, where that makes a difference. */
const APART = {
  awaits: WAITS,
  direct: WAITS,
  direct_awaits:
    "While a cell runs, this Stop waits until the cell ends: this page cannot reach the robot's server by itself. On ipykernel 7.3 it need not.",
};

const AFTER = { click: "the click", "letting go": "letting go", arrival: "the click had arrived" };

function make(tag, parent, properties = {}) {
  const element = Object.assign(document.createElement(tag), properties);
  parent.append(element);
  return element;
}

/** A button with words, and what it is for to who cannot see it. */
function button(parent, words, label, action, className = "mbot-button") {
  const element = make("button", parent, { type: "button", textContent: words, className });
  element.setAttribute("aria-label", label);
  element.addEventListener("click", action);
  return element;
}

/** What the connection's note says, `since` ms after it came. */
function noteWords(note, since) {
  if (!note || typeof note === "string") return note || "";
  if (note.wait === null) return `attempt ${note.attempt} is under way`;
  return `attempt ${note.attempt} in ${Math.max(0, Math.ceil(note.wait - since / 1000))} s`;
}

/** What holds for a page that is apart from the robot's server. */
function apartWords(reach) {
  return APART[reach.replace("_cable", "")] ?? REACH[reach] ?? "";
}

/** How long the last stop took, in words. */
function stoodWords(stood) {
  if (!stood) return "";
  if (stood.seconds === null) return "The robot stood already.";
  const time = stood.seconds < 10 ? `${Math.round(stood.seconds * 1000)} ms` : `${stood.seconds.toFixed(1)} s`;
  return `Stood still ${stood.exact ? "" : "at most "}${time} after ${AFTER[stood.after]}.`;
}

/** A colour of the page as it is now. */
function colourOf(element) {
  const style = getComputedStyle(element);
  return (name) => style.getPropertyValue(`--mbot-${name}`).trim();
}

/** Whether page and kernel share a machine, as far as the address tells. */
function isHere() {
  return ["localhost", "127.0.0.1", "[::1]", "::1"].includes(location.hostname) || location.hostname.endsWith(".localhost");
}

/** The page's clock against the kernel's: the answer that came back soonest tells best. `heard` returns how many there were. */
class Clock {
  constructor() {
    this.offset = null;
    this.best = Infinity;
    this.count = 0;
  }

  heard(sent, here) {
    const now = performance.now();
    const trip = now - sent;
    if (trip <= this.best) {
      this.best = trip;
      this.offset = here - (sent + now) / 2;
    } else {
      this.best += 0.5; // an old answer counts less and less: clocks drift
    }
    this.count += 1;
    return this.count;
  }

  /** Now in the kernel's ms, or null while that is not known. */
  now() {
    return this.offset === null ? null : performance.now() + this.offset;
  }
}

/** A way to the robot's server that does not lead through the kernel. Connects for each stop, and checks whom it has met. */
class DirectWay {
  constructor(way) {
    this.way = way;
    this.came = performance.now();
  }

  /** Resolves when the command, `stop` or `emergency_stop`, has been sent to this very robot; without one, when it could be. */
  reach(command = null) {
    const { url, token, robot, uptime } = this.way;
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(token ? `${url}/?token=${encodeURIComponent(token)}` : `${url}/`);
      const timer = setTimeout(() => end(reject, "it does not answer"), PROBE);
      const end = (how, value) => {
        clearTimeout(timer);
        how(value);
        socket.close(1000);
      };
      socket.onerror = () => end(reject, "it cannot be reached from this page");
      socket.onmessage = ({ data }) => {
        const message = JSON.parse(data);
        if (message.type !== "state") return;
        const found = message.payload.metadata ?? {};
        const expected = uptime + performance.now() - this.came;
        if (found.robotId !== robot || Math.abs(found.uptime - expected) > 1_500) {
          end(reject, "another robot is there");
          return;
        }
        if (command) {
          socket.send(JSON.stringify({ version: 2, type: "command", payload: { command, params: {} }, timestamp: Date.now() }));
          const { connection } = message.payload;
          if (connection?.ready === false) {
            end(reject, `its server cannot reach it (${connection.reason})`);
            return;
          }
        }
        end(resolve, true);
      };
    });
  }
}

/** JupyterLab leaves the keys in here to the widget: Enter and Space press its buttons, letters choose. It asks whom they go to. */
function keepKeys(root) {
  root.setAttribute("data-lm-suppress-shortcuts", "true");
  root.addEventListener("focusin", (event) => event.target.setAttribute("data-lm-suppress-shortcuts", "true"));
}

/** What is drawn anew when something has changed: `least` ms apart, on the screen's beat, and only where somebody can see it. */
class Painting {
  constructor(live, canvas, least) {
    this.live = live;
    this.canvas = canvas;
    this.least = least;
    this.frame = null;
    this.drawn = 0;
  }

  ask() {
    if (this.frame !== null || !this.live.shown) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = null;
      if (performance.now() - this.drawn < this.least) {
        this.ask();
        return;
      }
      this.drawn = performance.now();
      this.draw();
    });
  }

  stop() {
    cancelAnimationFrame(this.frame);
  }
}

/** One view of a live widget. `take` gets the values that came, `hear` what is of another kind. */
class Live {
  constructor({ model, el }, className) {
    this.model = model;
    this.id = Math.random().toString(36).slice(2);
    this.root = make("div", el, { className: `mbot ${className}` });
    this.root.setAttribute("role", "group");
    keepKeys(this.root);
    this.clock = new Clock();
    this.values = {};
    this.shown = false;
    this.ended = false;
    this.take = () => {};
    this.hear = () => {};
    this.seen = () => {};
    this.painted = () => {};
    this.name = "Robot";
    this.onScreen = false;
    this.quiet = false;
    this.answerTimer = null;
    this.later = null;
    this.noteCame = 0;
    this.direct = null;
    this.asking = false;
    this.answered = true;
    this.cleaning = [];
  }

  // Parts that several widgets have.

  /** The light, the connection in words, the robot's name, and a note. */
  addConnection(parent) {
    const head = make("div", parent, { className: "mbot-connection" });
    make("span", head, { className: "mbot-light" }).setAttribute("aria-hidden", "true");
    this.connectionField = this.field("connection", make("span", head));
    this.robotField = make("span", parent, { className: "mbot-robot" });
    this.noteField = make("span", parent, { className: "mbot-note" });
    return head;
  }

  /** Stop and Release, and how long the last stop took. */
  addStop(parent) {
    const row = make("div", parent, { className: "mbot-stop-row" });
    this.stopButton = button(row, "Stop", "Stop the robot, and let it stay so", () => this.stop(), "mbot-stop");
    this.releaseButton = button(row, "Release", "Release the stop: the robot may move again", () => this.release());
    this.releaseButton.disabled = true;
    return row;
  }

  addStopWords(parent) {
    this.stoodField = this.field("stood", make("div", parent, { className: "mbot-small" }));
    this.reachField = this.field("reach", make("div", parent, { className: "mbot-small mbot-reach" }));
  }

  /** Connection and Stop above a widget that stands alone; nothing in a panel that has them. */
  addFrame() {
    if (this.model.get("snapshot").framed === false) {
      this.root.dataset.bare = "true";
      return;
    }
    const head = make("div", this.root, { className: "mbot-head" });
    const words = make("div", head, { className: "mbot-head-words" });
    this.addConnection(words);
    this.addStop(head);
    this.addStopWords(this.root);
  }

  /** Where it says what was done and what went wrong. */
  addSaid(parent = this.root) {
    this.saidField = this.field("said", make("div", parent, { className: "mbot-said" }));
    this.saidField.setAttribute("role", "status");
  }

  field(name, element) {
    element.dataset.field = name;
    return element;
  }

  // To the kernel.

  send(content, buffers) {
    try {
      this.model.send({ view: this.id, ...content }, undefined, buffers);
    } catch (error) {
      this.silent();
    }
  }

  expectAnswer() {
    clearTimeout(this.answerTimer);
    this.answerTimer = setTimeout(() => this.silent(), PATIENCE);
  }

  stop(kind = "emergency_stop") {
    this.say("Stopping …");
    this.answered = false;
    this.send({ kind, at: this.clock.now() });
    if (this.direct) {
      // Only while the kernel is silent: what it says is said by the robot.
      const tell = (text, error) => this.answered || this.say(text, error);
      const stays = kind === "emergency_stop" ? " It stays so until you release it." : "";
      this.direct.reach(kind).then(
        () => {
          clearTimeout(this.answerTimer); // the robot stands, whatever the kernel is doing
          tell(`Stopped over the page's own connection.${stays}`);
        },
        (why) => tell(`The page's own connection to the robot failed: ${why}.`, true),
      );
    }
    this.expectAnswer();
  }

  release() {
    this.say("Releasing …");
    this.send({ kind: "release" });
    this.expectAnswer();
  }

  /** The first answer is often a slow one. */
  hearClock({ page, here }) {
    if (this.clock.heard(page, here) < 3) this.askClock();
  }

  askClock() {
    this.send({ kind: "clock", page: performance.now() });
  }

  // Words.

  say(text, error = false) {
    if (!this.saidField) return;
    this.saidField.textContent = text;
    this.saidField.dataset.error = String(error);
  }

  /** What is shown as the connection is not known to be true any more. */
  silent() {
    this.say(SILENT, true);
    this.quiet = true;
    this.writeConnection("no answer");
    this.seen(this.shown);
  }

  writeConnection(words) {
    this.root.dataset.connection = words;
    if (this.connectionField) this.connectionField.textContent = this.inWords(words);
  }

  /** A connection in words: a server may well be there that does not reach its robot. */
  inWords(state) {
    return state === "connected" && this.values.away ? "robot out of reach" : state;
  }

  writeReach(words) {
    if (this.reachField) this.reachField.textContent = words;
    this.root.dataset.reach = words ? "limited" : "full";
  }

  // From the kernel.

  receive(content, buffers) {
    clearTimeout(this.answerTimer);
    if (this.quiet) {
      this.quiet = false;
      this.say("");
      this.writeConnection(this.values.connection ?? "");
    }
    if (content.kind === "said") {
      this.answered = true;
      this.say(content.text, content.error);
    } else if (content.kind === "clock") this.hearClock(content);
    else if (content.kind === "way") this.foundWay(content);
    else if (content.kind === "all" || content.kind === "changed") this.accept(content, content.kind === "all");
    else this.hear(content, buffers ?? []);
  }

  accept(values, all) {
    Object.assign(this.values, values);
    if ("away" in values) this.root.dataset.away = String(values.away);
    if ("connection" in values || "away" in values) this.writeConnection(this.values.connection);
    if ("robot" in values) {
      if (this.robotField) this.robotField.textContent = values.robot;
      this.root.setAttribute("aria-label", `${this.name} ${values.robot}`);
    }
    if ("note" in values) {
      this.noteCame = performance.now();
      if (this.noteField) this.noteField.textContent = noteWords(values.note, 0);
    }
    if ("latched" in values) {
      this.root.dataset.latched = String(values.latched);
      if (this.releaseButton) this.releaseButton.disabled = !values.latched || this.ended;
    }
    if ("stood" in values && this.stoodField) this.stoodField.textContent = stoodWords(values.stood);
    if ("reach" in values) this.takeReach(values.reach);
    if (values.said?.text) this.say(values.said.text, values.said.error);
    if (values.ended) {
      this.ended = true;
      for (const element of this.root.querySelectorAll("button, input, select")) element.disabled = true;
    }
    this.take(values, all);
  }

  /** Whether a stop works while a cell blocks; before anybody needs it. */
  takeReach(reach) {
    this.direct = null;
    if (!isHere()) this.writeReach(apartWords(reach));
    else if (!reach.startsWith("direct")) this.writeReach(REACH[reach] ?? "");
    else if (!this.asking) {
      this.asking = true;
      this.writeReach(ASKING);
      this.send({ kind: "way" });
    }
  }

  foundWay(way) {
    if (!this.asking) return; // another view has asked
    this.asking = false;
    const { reach } = this.values;
    if (!way.url) {
      this.writeReach(apartWords(reach));
      return;
    }
    const direct = new DirectWay(way);
    direct.reach().then(
      () => {
        this.direct = direct;
        this.writeReach(REACH[reach] ?? "");
      },
      () => this.writeReach(apartWords(reach)),
    );
  }

  // A life on the screen.

  /** Begin: show what is known, and tell the kernel that somebody looks. */
  start() {
    const { model } = this;
    const onMessage = (content, buffers) => this.receive(content, buffers);
    const probe = () => {
      // The page has lost its kernel, or found it again: ask it.
      this.send({ kind: "show", fresh: true });
      this.expectAnswer();
    };
    const lookAround = () => {
      // Only a view that somebody can see costs anything.
      const now = this.onScreen && !document.hidden;
      if (now === this.shown) return;
      this.shown = now;
      this.send({ kind: now ? "show" : "hide" });
      if (now) this.askClock();
      // Once more when a page that has just been opened has settled: the kernel then sees in which thread it is heard.
      clearTimeout(this.later);
      if (now) this.later = setTimeout(() => this.askClock(), SETTLED);
      this.seen(now);
    };
    const gone = () => this.send({ kind: "gone" });
    const watcher = new IntersectionObserver((entries) => {
      this.onScreen = entries.at(-1).isIntersecting;
      lookAround();
    });
    watcher.observe(this.root);
    const lease = setInterval(() => {
      if (!this.shown || this.ended) return;
      this.send({ kind: "show" });
      this.askClock();
    }, HERE);
    const countdown = setInterval(() => {
      const { note } = this.values;
      if (note?.wait && this.noteField) this.noteField.textContent = noteWords(note, performance.now() - this.noteCame);
    }, 500);
    const repaint = () => this.painted();
    const sizes = new ResizeObserver(repaint);
    sizes.observe(this.root);
    const themes = new MutationObserver(repaint);
    themes.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light", "data-jp-theme-name", "class"] });
    const darkness = matchMedia("(prefers-color-scheme: dark)");
    darkness.addEventListener("change", repaint);
    document.addEventListener("visibilitychange", lookAround);
    addEventListener("pagehide", gone);
    model.on("msg:custom", onMessage);
    model.on("comm_live_update", probe);
    this.accept(model.get("snapshot"), true);
    this.cleaning.push(() => {
      model.off("msg:custom", onMessage);
      model.off("comm_live_update", probe);
      removeEventListener("pagehide", gone);
      document.removeEventListener("visibilitychange", lookAround);
      darkness.removeEventListener("change", repaint);
      watcher.disconnect();
      sizes.disconnect();
      themes.disconnect();
      clearInterval(lease);
      clearInterval(countdown);
      clearTimeout(this.answerTimer);
      clearTimeout(this.later);
      gone();
    });
  }

  end() {
    for (const clean of this.cleaning) clean();
  }
}
