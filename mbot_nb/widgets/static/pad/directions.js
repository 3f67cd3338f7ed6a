// What hands, keys and sticks point at, and what the wheels make of it.

const DEAD = 0.15; // of the way to the edge: no direction yet
const TURN = 0.6; // turning is quick enough at this part of the speed

/** @type {Record<string, number[]>} */
export const KEYS = {
  ArrowUp: [1, 0],
  KeyW: [1, 0],
  ArrowDown: [-1, 0],
  KeyS: [-1, 0],
  ArrowLeft: [0, -1],
  KeyA: [0, -1],
  ArrowRight: [0, 1],
  KeyD: [0, 1],
};

/** @type {Record<string, number[]>} */
const BUTTONS = { 12: [1, 0], 13: [-1, 0], 14: [0, -1], 15: [0, 1] }; // a gamepad's cross

/**
 * What the wheels turn at, percent, for a direction.
 * @param {number[]} direction ahead and to the right, each -1 to 1
 * @param {number} speed
 * @returns {[number, number]}
 */
export function wheels([ahead, aside], speed) {
  const left = ahead + TURN * aside;
  const right = ahead - TURN * aside;
  const scale = speed / Math.max(1, Math.abs(left), Math.abs(right));
  return [Math.round(left * scale), Math.round(right * scale)];
}

/** @param {number} value */
const limited = (value) => Math.max(-1, Math.min(1, value));

/** @param {number} value */
const rounded = (value) => Math.round(value * 20) / 20;

/**
 * Where the keys that are held point; null without any.
 * @param {Iterable<string>} keys
 */
export function keysDirection(keys) {
  const held = [...keys].map((key) => KEYS[key]);
  if (!held.length) return null;
  return [0, 1].map((axis) => limited(held.reduce((sum, vector) => sum + vector[axis], 0)));
}

/**
 * Where a pointer on the pad points; both from -1 to 1, y down as on the page.
 * @param {number} x
 * @param {number} y
 */
export function pointerDirection(x, y) {
  const far = Math.hypot(x, y);
  if (far < DEAD) return [0, 0];
  // Halfway to the edge is full speed already: arrows are easier to hit than the rim.
  const strength = Math.min(1, far / 0.6);
  return [rounded((-y / far) * strength), rounded((x / far) * strength)];
}

/**
 * Where a gamepad's stick and cross point; null while nobody touches them.
 * @param {{ axes: readonly number[], buttons: readonly { pressed: boolean }[] }} gamepad
 */
export function gamepadDirection({ axes, buttons }) {
  let [aside, ahead] = [axes[0] ?? 0, -(axes[1] ?? 0)];
  for (const [index, [up, right]] of Object.entries(BUTTONS)) {
    if (buttons[Number(index)]?.pressed) [ahead, aside] = [ahead + up, aside + right];
  }
  if (Math.hypot(ahead, aside) <= DEAD + 0.05) return null;
  return [rounded(limited(ahead)), rounded(limited(aside))];
}
