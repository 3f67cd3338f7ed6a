// The drive pad's page side: hands and keys in, short leases of motion out. Nothing is held for
// longer than somebody holds it.

import { make } from "./live/dom.js";
import { LiveView } from "./live/live_view.js";
import { gamepadDirection, KEYS, keysDirection, pointerDirection } from "./pad/directions.js";
import { DriveControl } from "./pad/drive_control.js";

const HINT = "Hold to drive: drag on the pad, arrow keys or W A S D, or a gamepad. Space stops.";
const ARROW = "M0 -11 L9 5 L-9 5 Z";

/**
 * The round pad: four arrows and a knob.
 * @param {Element} parent
 */
function buildPad(parent) {
  const pad = make("div", parent, {
    className: "mbot-pad",
    tabIndex: 0,
    role: "application",
    "aria-roledescription": "drive pad",
    "aria-label":
      "Drive pad. Hold an arrow key, or W, A, S or D, to drive. Let go to stand. Space stops.",
  });
  const arrows = [0, 90, 180, 270].map(
    (turn) => `<path d="${ARROW}" transform="rotate(${turn}) translate(0 -66)"/>`,
  );
  pad.innerHTML = `<svg viewBox="-100 -100 200 200" aria-hidden="true">${arrows.join("")}</svg>`;
  const knob = make("div", pad, { className: "mbot-knob" });
  return { pad, knob };
}

/** @param {View} view */
function render(view) {
  const live = new LiveView(view, "mbot-drive", "Drive pad of robot");
  live.addFrame();
  const body = make("div", live.root, { className: "mbot-drive-body" });
  const { pad, knob } = buildPad(body);
  const side = make("div", body, { className: "mbot-drive-side mbot-column" });
  const label = make("label", side, { className: "mbot-speed mbot-column" });
  const words = make("span", label);
  const slider = make("input", label, { type: "range", min: 10, max: 100, step: 5 });
  const motors = make("div", side, { "data-field": "motors" });
  make("div", side, { className: "mbot-small", textContent: HINT });
  live.addStatus(side);
  const writeSpeed = () => {
    words.textContent = `Speed ${slider.value} %`;
  };
  slider.addEventListener("input", writeSpeed);

  const writeMotors = (/** @type {number} */ left, /** @type {number} */ right) => {
    motors.textContent = left || right ? `left ${left} %, right ${right} %` : "stands";
    pad.dataset.driving = String(Boolean(left || right));
  };
  const driver = new DriveControl(live, () => Number(slider.value), writeMotors);

  // Who holds: one after the other, a hand before keys before a stick.
  const keys = new Set();
  /** @type {number[] | null} */
  let hand = null;
  /** @type {number[] | null} */
  let stick = null;
  const update = () => {
    const vector = hand ?? keysDirection(keys) ?? stick;
    const [ahead, aside] = vector ?? [0, 0];
    knob.style.transform = `translate(${aside * 62}%, ${-ahead * 62}%)`;
    driver.aim(vector);
  };
  const release = () => {
    keys.clear();
    hand = stick = null;
    update();
  };

  pad.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.code === "Space") {
      event.preventDefault();
      if (event.repeat) return;
      release();
      live.stop("stop");
    } else if (event.code in KEYS) {
      event.preventDefault();
      if (event.repeat) return;
      keys.add(event.code);
      update();
    }
  });
  pad.addEventListener("keyup", (event) => {
    if (keys.delete(event.code)) update();
  });
  pad.addEventListener("blur", release);

  const directionOf = (/** @type {PointerEvent} */ event) => {
    const box = pad.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * 2 - 1;
    const y = ((event.clientY - box.top) / box.height) * 2 - 1;
    return pointerDirection(x, y);
  };
  pad.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    event.preventDefault();
    pad.focus();
    pad.setPointerCapture(event.pointerId);
    hand = directionOf(event);
    update();
  });
  pad.addEventListener("pointermove", (event) => {
    if (!hand) return;
    hand = directionOf(event);
    update();
  });
  for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) {
    pad.addEventListener(end, () => {
      if (!hand) return;
      hand = null;
      update();
    });
  }

  // A gamepad is asked sixty times a second, while there is one and somebody looks.
  /** @type {number | null} */
  let polling = null;
  const poll = () => {
    polling = null;
    const found = [...(navigator.getGamepads?.() ?? [])].find((gamepad) => gamepad?.connected);
    const before = stick;
    stick = found && live.shown && document.hasFocus() ? gamepadDirection(found) : null;
    if (String(before) !== String(stick)) update();
    if (found && live.shown) polling = requestAnimationFrame(poll);
  };
  const startPolling = () => {
    if (polling === null) polling = requestAnimationFrame(poll);
  };
  const { signal } = live;
  addEventListener("gamepadconnected", startPolling, { signal });
  addEventListener("blur", release, { signal });
  addEventListener("pagehide", release, { signal });
  document.addEventListener("visibilitychange", () => document.hidden && release(), { signal });

  live.onVisible = (now) => {
    if (now && !live.unanswered) startPolling();
    else release();
  };
  live.onValues = (values, all) => {
    if (all && "speed" in values && !slider.dataset.set) {
      slider.value = values.speed;
      slider.dataset.set = "true";
      writeSpeed();
      writeMotors(0, 0);
    }
    if ("connection" in values && values.connection !== "connected") release();
    pad.setAttribute("aria-disabled", String(!driver.canDrive()));
  };
  live.onMessage = (content) => {
    if (content.kind === "driven") driver.onAnswer(content);
  };
  const end = live.start();
  return () => {
    release();
    if (polling !== null) cancelAnimationFrame(polling);
    end();
  };
}

export default { render };
