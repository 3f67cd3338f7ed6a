import assert from "node:assert/strict";
import { test } from "node:test";
import { formatNumber, scalesOf, ticks } from "../../mbot_nb/widgets/static/chart/scale.js";
import { Series } from "../../mbot_nb/widgets/static/chart/series.js";

const BOX = { top: 0, bottom: 100 };

/** @param {string} unit @param {number[]} pairs */
function series(unit, pairs) {
  const line = new Series({ name: "a", unit, holds: false, color: "#0072b2" });
  line.add(pairs, 1_000);
  return line;
}

test("the marks of an axis are round numbers", () => {
  assert.deepEqual(ticks(0, 10, 5), [0, 2, 4, 6, 8, 10]);
  assert.deepEqual(ticks(-1, 1, 4), [-1, -0.5, 0, 0.5, 1]);
  assert.deepEqual(ticks(3, 97, 2), [50]);
});

test("numbers get as many digits as can be read", () => {
  assert.deepEqual([1234.5, 12.345, 1.2345, 0.01234, 0].map(formatNumber), [
    "1235",
    "12.3",
    "1.23",
    "0.0123",
    "0.00",
  ]);
  assert.equal(formatNumber(undefined), "–");
});

test("what goes from 0 to 1 has the whole of that as its scale", () => {
  const scale = scalesOf([series("", [0, 0.4, 1, 0.6])], 0, 10, BOX).get("");
  assert.ok(scale);
  assert.ok(scale.low < 0 && scale.high > 1);
  assert.equal(Math.round(scale.y(0.5)), 50);
});

test("a tremble is not seen as a quake", () => {
  const scale = scalesOf([series("cm", [0, 100, 1, 100.1])], 0, 10, BOX).get("cm");
  assert.ok(scale && scale.high - scale.low > 10);
});

test("hidden lines, and values outside of the time that is seen, do not count", () => {
  const hidden = series("cm", [0, 500]);
  hidden.hidden = true;
  const line = series("cm", [0, 900, 5, 10, 6, 20, 9, 900]);
  const scale = scalesOf([hidden, line], 5, 8, BOX).get("cm");
  assert.ok(scale);
  assert.ok(scale.high < 30);
  assert.equal(scale.colors.length, 1);
});

test("of a line only the newest values are kept, and found by their time", () => {
  const line = series("", [0, 0, 1, 10, 2, 20]);
  assert.deepEqual(
    [-1, 0, 1.5, 9].map((t) => line.at(t)),
    [-1, 0, 1, 2],
  );
  line.add([3, 30, 4, 40], 3);
  assert.deepEqual(line.t, [2, 3, 4]);
});
