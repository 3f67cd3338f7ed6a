import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import {
  gamepadDirection,
  keysDirection,
  pointerDirection,
  wheels,
} from "../../mbot_nb/widgets/static/pad/directions.js";
import { DriveControl } from "../../mbot_nb/widgets/static/pad/drive_control.js";

test("wheels turn within the speed that is set", () => {
  assert.deepEqual(wheels([1, 0], 50), [50, 50]);
  assert.deepEqual(wheels([0, 1], 50), [30, -30]);
  assert.deepEqual(wheels([1, 1], 80), [80, 20]);
  assert.deepEqual(wheels([-1, 0], 40), [-40, -40]);
});

test("keys add up, and opposite ones cancel", () => {
  assert.equal(keysDirection([]), null);
  assert.deepEqual(keysDirection(["ArrowUp", "KeyW", "KeyD"]), [1, 1]);
  assert.deepEqual(keysDirection(["KeyA", "ArrowRight"]), [0, 0]);
});

test("a pointer near the middle is no direction, halfway to the edge is full speed", () => {
  assert.deepEqual(pointerDirection(0.1, 0.05), [0, 0]);
  assert.deepEqual(pointerDirection(0, -0.6).map(Math.abs), [1, 0]);
  assert.deepEqual(pointerDirection(0.3, 0).map(Math.abs), [0, 0.5]);
});

test("a gamepad drives by its stick and by its cross", () => {
  const buttons = Array.from({ length: 16 }, () => ({ pressed: false }));
  assert.equal(gamepadDirection({ axes: [0.1, 0.1], buttons }), null);
  assert.deepEqual(gamepadDirection({ axes: [0.5, -1], buttons }), [1, 0.5]);
  buttons[13] = { pressed: true };
  assert.deepEqual(gamepadDirection({ axes: [], buttons }), [-1, 0]);
});

/** @type {Record<string, any>[]} */
let sent = [];
/** @type {any} */
let live;

beforeEach(() => {
  mock.timers.reset();
  mock.timers.enable({ apis: ["setInterval"] });
  sent = [];
  Object.assign(globalThis, { document: { hidden: false } });
  live = {
    id: "view",
    values: { connection: "connected" },
    clock: { now: () => 5 },
    root: { dataset: {} },
    send: (/** @type {Record<string, any>} */ content) => sent.push(content),
    showStatus: mock.fn(),
    askClock: mock.fn(),
  };
});

const control = () =>
  new DriveControl(
    live,
    () => 50,
    () => {},
  );

test("a hold is renewed until it is let go", () => {
  const drive = control();
  drive.aim([1, 0]);
  mock.timers.tick(300);
  assert.deepEqual(
    sent.map(({ kind, number }) => [kind, number]),
    [1, 2, 3, 4].map((number) => ["drive", number]),
  );
  drive.aim(null);
  mock.timers.tick(300);
  assert.deepEqual(sent.at(-1), { kind: "end_hold", hold: 1, at: 5 });
  assert.equal(sent.length, 5);
});

test("it lets go when the kernel answers no more", () => {
  const drive = control();
  drive.aim([1, 0]);
  mock.timers.tick(1_000);
  assert.equal(sent.filter(({ kind }) => kind === "drive").length, 5);
  assert.equal(sent.at(-1)?.kind, "end_hold");
  assert.equal(live.showStatus.mock.callCount(), 1);
});

test("answers keep a hold alive", () => {
  const drive = control();
  drive.aim([1, 0]);
  for (let count = 0; count < 20; count += 1) {
    mock.timers.tick(100);
    drive.onAnswer({ to: "view", number: sent.at(-1)?.number });
  }
  assert.equal(sent.at(-1)?.kind, "drive");
});

test("it neither begins nor goes on without a connection, or out of sight", () => {
  const drive = control();
  live.values.connection = "reconnecting";
  drive.aim([1, 0]);
  assert.deepEqual(sent, []);
  live.values.connection = "connected";
  drive.aim([1, 0]);
  Object.assign(globalThis, { document: { hidden: true } });
  mock.timers.tick(100);
  assert.equal(sent.at(-1)?.kind, "end_hold");
});

test("it asks for the clock before it drives", () => {
  live.clock.now = () => null;
  control().aim([1, 0]);
  assert.equal(live.askClock.mock.callCount(), 1);
  assert.deepEqual(sent, []);
});
