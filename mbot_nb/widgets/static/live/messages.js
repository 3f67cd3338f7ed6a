// What a live widget says of its connection and its stops.

export const NO_ANSWER =
  "The kernel does not answer: it is busy with a cell, or it was restarted. After a " +
  "restart, run the cell again.";

const BLOCKED = "While a cell blocks (time.sleep does),";
const SERVE = "With mb.serve(thread=True) it reaches the robot all the same.";
const CABLE = 'With mb.connect("usb", thread=True) it reaches the robot all the same.';

/**
 * What a Stop here reaches while a cell runs, by what the kernel's side has found (see
 * StopControl.availability); of the others there is nothing to say.
 * @type {Record<string, string>}
 */
export const STOP_MESSAGES = {
  awaits: `${BLOCKED} this Stop may wait until the cell ends. ${SERVE}`,
  awaits_cable: `${BLOCKED} this Stop may wait until the cell ends. ${CABLE}`,
  elsewhere:
    `${BLOCKED} a click on Stop may be heard only when the cell ends. ` +
    "`await asyncio.sleep()` does not block.",
  never: "While a cell runs, this Stop waits until the cell ends. On ipykernel 7.3 it does not.",
  direct: "While a cell blocks, this page stops the robot over a connection of its own.",
  direct_awaits: `${BLOCKED} this Stop waits until the cell ends. ${SERVE}`,
  direct_awaits_cable: `${BLOCKED} this Stop waits until the cell ends. ${CABLE}`,
};

export const FINDING_OUT = "Finding out whether this page reaches the robot while a cell runs …";

const WAITS_REMOTELY =
  `${BLOCKED} this Stop waits until the cell ends: this page cannot reach the robot's server by ` +
  "itself. `await asyncio.sleep()` does not block.";

/**
 * The same of a page that cannot reach the robot's server by itself, where that makes a difference.
 * @type {Record<string, string>}
 */
const REMOTE_STOP_MESSAGES = {
  awaits: WAITS_REMOTELY,
  direct: WAITS_REMOTELY,
  direct_awaits:
    "While a cell runs, this Stop waits until the cell ends: this page cannot reach the " +
    "robot's server by itself. On ipykernel 7.3 it need not.",
};

const STOP_ORIGINS = {
  click: "the click",
  "letting go": "letting go",
  arrival: "the click had arrived",
};

/**
 * What the connection's note says, `since` ms after it came.
 * @param {Note} note
 * @param {number} since
 */
export function noteMessage(note, since) {
  if (!note || typeof note === "string") return note || "";
  if (note.wait === null) return `attempt ${note.attempt} is under way`;
  return `attempt ${note.attempt} in ${Math.max(0, Math.ceil(note.wait - since / 1000))} s`;
}

/**
 * What holds for a page that is apart from the robot's server.
 * @param {string} availability
 */
export function remoteStopMessage(availability) {
  return (
    REMOTE_STOP_MESSAGES[availability.replace("_cable", "")] ?? STOP_MESSAGES[availability] ?? ""
  );
}

/**
 * How long the last stop took, in words.
 * @param {LastStop | null} lastStop
 */
export function lastStopMessage(lastStop) {
  if (!lastStop) return "";
  if (lastStop.seconds === null) return "The robot stood already.";
  const time =
    lastStop.seconds < 10
      ? `${Math.round(lastStop.seconds * 1000)} ms`
      : `${lastStop.seconds.toFixed(1)} s`;
  return `Stood still ${lastStop.exact ? "" : "at most "}${time} after ${STOP_ORIGINS[lastStop.after]}.`;
}
