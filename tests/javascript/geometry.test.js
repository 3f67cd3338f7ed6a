import assert from "node:assert/strict";
import { test } from "node:test";
import {
  boxAt,
  clampToArena,
  interpolate,
  isJump,
  thin,
  visibleFloor,
} from "../../mbot_nb/widgets/static/scene/geometry.js";

test("a robot turns the short way, over 360 degrees too", () => {
  assert.deepEqual(interpolate([0, 0, 350], [10, 20, 10], 0.5), [5, 10, 360]);
  assert.deepEqual(interpolate([0, 0, 10], [0, 0, 350], 0.5), [0, 0, 0]);
});

test("a place that no robot drives to at once is a jump", () => {
  assert.equal(isJump([0, 0], [18, 24]), false);
  assert.equal(isJump([0, 0], [18, 24.1]), true);
});

test("the topmost box at a place is found, turned boxes too", () => {
  const long = { x: 50, y: 50, width: 40, height: 4, angle: 90 };
  const small = { x: 50, y: 60, width: 6, height: 6, angle: 0 };
  assert.equal(boxAt([long], [50, 68]), 0);
  assert.equal(boxAt([long], [68, 50]), null);
  assert.equal(boxAt([long, small], [51, 61]), 1);
  assert.equal(boxAt([], [0, 0]), null);
});

test("what is dragged stays inside of the arena", () => {
  assert.deepEqual(clampToArena([-5, 130], { width: 100, height: 120 }), [0, 120]);
  assert.deepEqual(clampToArena([5, 13], { width: 100, height: 120 }), [5, 13]);
});

test("the floor is the arena, or what the path needs", () => {
  const arena = { width: 240, height: 120 };
  assert.deepEqual(visibleFloor(arena, [], [0, 0, 0]), { left: 0, bottom: 0, ...arena });
  const floor = visibleFloor(null, [[0, 300, -120]], [0, 0, 0]);
  assert.deepEqual(floor, { left: -50, bottom: -200, width: 400, height: 250 });
});

test("a line is thinned evenly and keeps its ends", () => {
  const points = Array.from({ length: 1_000 }, (_, at) => [at, 0]);
  const few = thin(points, 390);
  assert.ok(few.length <= 391);
  assert.deepEqual([few[0], few.at(-1)], [points[0], points.at(-1)]);
  assert.deepEqual(thin(points.slice(0, 3), 390), points.slice(0, 3));
});
