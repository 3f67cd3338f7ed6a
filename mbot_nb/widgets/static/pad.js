// The drive pad's page side: hands and keys in, short leases of motion out. Nothing is held for longer than somebody holds it.

const RENEW = 100; // ms between two leases of a hold
const SOONEST = 40; // ms between two messages of a hand that moves
const MOST_UNANSWERED = 5; // leases: the kernel is busy, and what it would do now would be late
const DEAD = 0.15; // of the way to the edge: no direction yet
const TURN = 0.6; // turning is quick enough at this part of the speed
const KEYS = {
  ArrowUp: [1, 0], KeyW: [1, 0],
  ArrowDown: [-1, 0], KeyS: [-1, 0],
  ArrowLeft: [0, -1], KeyA: [0, -1],
  ArrowRight: [0, 1], KeyD: [0, 1],
};
const BUTTONS = { 12: [1, 0], 13: [-1, 0], 14: [0, -1], 15: [0, 1] }; // a gamepad's cross
const BUSY = "The kernel is busy, so the pad has let go. Motion that comes late is not carried out.";
const HINT = "Hold to drive: drag on the pad, arrow keys or W A S D, or a gamepad. Space stops.";

/** Turns what the hands want into leases, and their end into a stop. */
class Driver {
  constructor(live, speed, shown) {
    this.live = live;
    this.speed = speed;
    this.shown = shown;
    this.wanted = null;
    this.hold = 0;
    this.number = this.answered = 0;
    this.sent = 0;
    this.timer = null;
  }

  /** Drive so: ahead and to the right, each -1 to 1. Null is to let go. */
  aim(vector) {
    const still = !vector || (!vector[0] && !vector[1]);
    if (still || !this.free()) {
      this.letGo();
      return;
    }
    if (this.wanted === null) {
      this.hold += 1;
      this.timer = setInterval(() => this.lease(), RENEW);
      this.answered = this.number;
    } else if (this.wanted[0] === vector[0] && this.wanted[1] === vector[1]) {
      return;
    }
    this.wanted = vector;
    if (performance.now() - this.sent >= SOONEST) this.lease();
  }

  free() {
    const { live } = this;
    return !live.ended && !live.quiet && live.values.connection === "connected";
  }

  lease() {
    if (this.wanted === null) return;
    if (!this.free() || document.hidden) {
      this.letGo();
      return;
    }
    if (this.number - this.answered >= MOST_UNANSWERED) {
      this.letGo();
      this.live.say(BUSY, true);
      return;
    }
    const at = this.live.clock.now();
    if (at === null) {
      this.live.askClock();
      return;
    }
    const [left, right] = wheels(this.wanted, this.speed());
    this.sent = performance.now();
    this.number += 1;
    this.live.send({ kind: "drive", hold: this.hold, number: this.number, left, right, at });
    this.shown(left, right);
  }

  letGo() {
    if (this.wanted === null) return;
    this.wanted = null;
    clearInterval(this.timer);
    this.live.send({ kind: "let_go", hold: this.hold, at: this.live.clock.now() });
    this.shown(0, 0);
  }

  hear({ to, number, dropped }) {
    if (to !== this.live.id) return;
    this.answered = Math.max(this.answered, number);
    if (dropped && this.wanted !== null && this.free()) this.live.root.dataset.dropped = "true";
  }
}

/** What the wheels turn at, percent, for a direction. */
function wheels([ahead, aside], speed) {
  const left = ahead + TURN * aside;
  const right = ahead - TURN * aside;
  const scale = speed / Math.max(1, Math.abs(left), Math.abs(right));
  return [Math.round(left * scale), Math.round(right * scale)];
}

const ARROW = "M0 -11 L9 5 L-9 5 Z";

/** The round pad: four arrows and a knob. */
function buildPad(parent) {
  const pad = make("div", parent, { className: "mbot-pad", tabIndex: 0 });
  pad.setAttribute("role", "application");
  pad.setAttribute("aria-roledescription", "drive pad");
  pad.setAttribute("aria-label", "Drive pad. Hold an arrow key, or W, A, S or D, to drive. Let go to stand. Space stops.");
  const places = [[0, -66, 0], [66, 0, 90], [0, 66, 180], [-66, 0, 270]];
  const arrows = places.map(([x, y, turn]) => `<path d="${ARROW}" transform="translate(${x} ${y}) rotate(${turn})"/>`);
  pad.innerHTML = `<svg viewBox="-100 -100 200 200" aria-hidden="true">${arrows.join("")}</svg>`;
  const knob = make("div", pad, { className: "mbot-knob" });
  return { pad, knob };
}

function render({ model, el }) {
  const live = new Live({ model, el }, "mbot-drive");
  live.name = "Drive pad of robot";
  live.addFrame();
  const body = make("div", live.root, { className: "mbot-drive-body" });
  const { pad, knob } = buildPad(body);
  const side = make("div", body, { className: "mbot-drive-side" });
  const label = make("label", side, { className: "mbot-speed" });
  const words = make("span", label);
  const slider = make("input", label, { type: "range", min: 10, max: 100, step: 5 });
  const motors = live.field("motors", make("div", side, { className: "mbot-motors" }));
  make("div", side, { className: "mbot-small", textContent: HINT });
  live.addSaid(side);
  const writeSpeed = () => {
    words.textContent = `Speed ${slider.value} %`;
  };
  slider.addEventListener("input", writeSpeed);

  const shown = (left, right) => {
    motors.textContent = left || right ? `left ${left} %, right ${right} %` : "stands";
    pad.dataset.driving = String(Boolean(left || right));
  };
  const driver = new Driver(live, () => Number(slider.value), shown);

  // Who holds: one after the other, a hand before keys before a stick.
  const keys = new Set();
  let hand = null;
  let stick = null;
  const decide = () => {
    let vector = hand;
    if (!vector && keys.size) {
      vector = [0, 0];
      for (const key of keys) vector = [vector[0] + KEYS[key][0], vector[1] + KEYS[key][1]];
      vector = vector.map((part) => Math.max(-1, Math.min(1, part)));
    }
    vector ??= stick;
    const [ahead, aside] = vector ?? [0, 0];
    knob.style.transform = `translate(${aside * 62}%, ${-ahead * 62}%)`;
    driver.aim(vector);
  };
  const letGo = () => {
    keys.clear();
    hand = stick = null;
    decide();
  };

  pad.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.code === "Space") {
      event.preventDefault();
      if (event.repeat) return;
      letGo();
      live.stop("stop");
    } else if (event.code in KEYS) {
      event.preventDefault();
      if (event.repeat) return;
      keys.add(event.code);
      decide();
    }
  });
  pad.addEventListener("keyup", (event) => {
    if (keys.delete(event.code)) decide();
  });
  pad.addEventListener("blur", letGo);

  const reach = (event) => {
    const box = pad.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * 2 - 1;
    const y = ((event.clientY - box.top) / box.height) * 2 - 1;
    const far = Math.hypot(x, y);
    // Halfway to the edge is full speed already: arrows are easier to hit than the rim.
    const strength = far < DEAD ? 0 : Math.min(1, far / 0.6);
    return far < DEAD ? [0, 0] : [(-y / far) * strength, (x / far) * strength].map((part) => Math.round(part * 20) / 20);
  };
  pad.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    event.preventDefault();
    pad.focus();
    pad.setPointerCapture(event.pointerId);
    hand = reach(event);
    decide();
  });
  pad.addEventListener("pointermove", (event) => {
    if (!hand) return;
    hand = reach(event);
    decide();
  });
  for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) {
    pad.addEventListener(end, () => {
      if (!hand) return;
      hand = null;
      decide();
    });
  }

  // A gamepad is asked sixty times a second, while there is one and somebody looks.
  let polling = null;
  const poll = () => {
    polling = null;
    const found = [...(navigator.getGamepads?.() ?? [])].find((gamepad) => gamepad?.connected);
    const before = stick;
    stick = null;
    if (found && live.shown && document.hasFocus()) {
      let [aside, ahead] = [found.axes[0] ?? 0, -(found.axes[1] ?? 0)];
      for (const [index, [up, right]] of Object.entries(BUTTONS)) {
        if (found.buttons[index]?.pressed) [ahead, aside] = [ahead + up, aside + right];
      }
      if (Math.hypot(ahead, aside) > DEAD + 0.05) {
        stick = [ahead, aside].map((part) => Math.round(Math.max(-1, Math.min(1, part)) * 20) / 20);
      }
    }
    if (String(before) !== String(stick)) decide();
    if (found && live.shown) polling = requestAnimationFrame(poll);
  };
  const plugged = () => {
    if (polling === null) polling = requestAnimationFrame(poll);
  };
  const hidden = () => document.hidden && letGo();
  addEventListener("gamepadconnected", plugged);
  addEventListener("blur", letGo);
  addEventListener("pagehide", letGo);
  document.addEventListener("visibilitychange", hidden);

  live.seen = (now) => {
    if (now && !live.quiet) plugged();
    else letGo();
  };
  live.take = (values, all) => {
    if (all && "speed" in values && !slider.dataset.set) {
      slider.value = values.speed;
      slider.dataset.set = "true";
      writeSpeed();
      shown(0, 0);
    }
    if ("connection" in values && values.connection !== "connected") letGo();
    pad.setAttribute("aria-disabled", String(!driver.free()));
  };
  live.hear = (content) => {
    if (content.kind === "driven") driver.hear(content);
  };
  live.start();
  return () => {
    letGo();
    cancelAnimationFrame(polling);
    removeEventListener("gamepadconnected", plugged);
    removeEventListener("blur", letGo);
    removeEventListener("pagehide", letGo);
    document.removeEventListener("visibilitychange", hidden);
    live.end();
  };
}

export default { render };
