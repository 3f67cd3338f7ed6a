import assert from "node:assert/strict";
import { test } from "node:test";
import {
  lastStopMessage,
  noteMessage,
  remoteStopMessage,
} from "../../mbot_nb/widgets/static/live/messages.js";

test("the note of a lost connection counts down and never below zero", () => {
  assert.equal(noteMessage({ attempt: 3, wait: 2.5 }, 0), "attempt 3 in 3 s");
  assert.equal(noteMessage({ attempt: 3, wait: 2.5 }, 2_000), "attempt 3 in 1 s");
  assert.equal(noteMessage({ attempt: 3, wait: 2.5 }, 9_000), "attempt 3 in 0 s");
  assert.equal(noteMessage({ attempt: 3, wait: null }, 0), "attempt 3 is under way");
  assert.equal(noteMessage("given up", 0), "given up");
  assert.equal(noteMessage("", 0), "");
});

test("how long a stop took is in ms, then in s, and says where it was only seen", () => {
  assert.equal(
    lastStopMessage({ seconds: 0.0424, exact: true, after: "click" }),
    "Stood still 42 ms after the click.",
  );
  assert.equal(
    lastStopMessage({ seconds: 12.34, exact: false, after: "arrival" }),
    "Stood still at most 12.3 s after the click had arrived.",
  );
  assert.equal(
    lastStopMessage({ seconds: null, exact: true, after: "click" }),
    "The robot stood already.",
  );
  assert.equal(lastStopMessage(null), "");
});

test("a page that is apart from the robot's server says what its Stop waits for", () => {
  assert.match(remoteStopMessage("direct"), /cannot reach the robot's server/);
  assert.equal(remoteStopMessage("direct_awaits_cable"), remoteStopMessage("direct_awaits"));
  assert.equal(remoteStopMessage("yes"), "");
});
