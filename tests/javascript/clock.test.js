import assert from "node:assert/strict";
import { test } from "node:test";
import { Clock } from "../../mbot_nb/widgets/static/live/clock.js";

test("the kernel's time is unknown before the first answer", () => {
  assert.equal(new Clock().now(), null);
});

test("half of the round trip has passed since the kernel read its clock", () => {
  let page = 0;
  const clock = new Clock(() => page);
  page = 20;
  assert.equal(clock.onAnswer(0, 1_010), 1);
  assert.equal(clock.now(), 1_020);
});

test("the answer of the shortest round trip is kept, and a slow one counts for nothing", () => {
  let page = 2;
  const clock = new Clock(() => page);
  clock.onAnswer(0, 1_001);
  page = 500;
  assert.equal(clock.onAnswer(100, 9_999), 2);
  assert.equal(clock.now(), 1_500);
});

test("clocks drift: after many slow answers one that is hardly better is taken", () => {
  let page = 10;
  const clock = new Clock(() => page);
  clock.onAnswer(0, 5);
  for (let count = 0; count < 20; count += 1) {
    page = 100;
    clock.onAnswer(0, 50);
  }
  page = 115;
  clock.onAnswer(100, 1_107.5);
  assert.equal(clock.now(), 1_115);
});
