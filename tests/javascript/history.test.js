import assert from "node:assert/strict";
import { test } from "node:test";
import { History, MAX_SAMPLES } from "../../mbot_nb/widgets/static/scene/history.js";

test("samples are read from a buffer that begins anywhere", () => {
  const history = new History();
  const bytes = new Uint8Array(52);
  const numbers = new Float32Array([0, 1, 2, 90, 30, 3, 1, 2, 3, 80, 25, 0]);
  bytes.set(new Uint8Array(numbers.buffer), 4);
  history.replace(new DataView(bytes.buffer, 4, 48));
  assert.deepEqual(history.rows, [
    [0, 1, 2, 90, 30, 3],
    [1, 2, 3, 80, 25, 0],
  ]);
});

test("what is not known is NaN, and what comes twice is dropped", () => {
  const history = new History();
  history.add([1, 0, 0, 0, null, 0]);
  history.add([1, 5, 5, 5, 5, 5]);
  assert.equal(history.rows.length, 1);
  assert.ok(Number.isNaN(history.rows[0][4]));
});

test("it finds the sample of a time and keeps only so many", () => {
  const history = new History();
  for (let t = 0; t < MAX_SAMPLES + 10; t += 1) history.add([t, 0, 0, 0, 0, 0]);
  assert.equal(history.rows.length, MAX_SAMPLES);
  assert.equal(history.rows[history.at(100.5)][0], 100);
  assert.equal(history.at(-5), 0);
  assert.equal(history.at(1e9), MAX_SAMPLES - 1);
});
