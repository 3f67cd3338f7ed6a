import assert from "node:assert/strict";
import { test } from "node:test";
import { apartWords, noteWords, stoodWords } from "../../mbot_nb/widgets/static/live/messages.js";

test("the note of a lost connection counts down and never below zero", () => {
  assert.equal(noteWords({ attempt: 3, wait: 2.5 }, 0), "attempt 3 in 3 s");
  assert.equal(noteWords({ attempt: 3, wait: 2.5 }, 2_000), "attempt 3 in 1 s");
  assert.equal(noteWords({ attempt: 3, wait: 2.5 }, 9_000), "attempt 3 in 0 s");
  assert.equal(noteWords({ attempt: 3, wait: null }, 0), "attempt 3 is under way");
  assert.equal(noteWords("given up", 0), "given up");
  assert.equal(noteWords("", 0), "");
});

test("how long a stop took is in ms, then in s, and says where it was only seen", () => {
  assert.equal(
    stoodWords({ seconds: 0.0424, exact: true, after: "click" }),
    "Stood still 42 ms after the click.",
  );
  assert.equal(
    stoodWords({ seconds: 12.34, exact: false, after: "arrival" }),
    "Stood still at most 12.3 s after the click had arrived.",
  );
  assert.equal(
    stoodWords({ seconds: null, exact: true, after: "click" }),
    "The robot stood already.",
  );
  assert.equal(stoodWords(null), "");
});

test("a page that is apart from the robot's server says what its Stop waits for", () => {
  assert.match(apartWords("direct"), /cannot reach the robot's server/);
  assert.equal(apartWords("direct_awaits_cable"), apartWords("direct_awaits"));
  assert.equal(apartWords("yes"), "");
});
