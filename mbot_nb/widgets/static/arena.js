// The arena's page side: thirty pictures a second while something moves, none while nothing does.

import { button, make } from "./live/dom.js";
import { LiveView, SETTLE_TIME } from "./live/live_view.js";
import { ArenaPainting, MIN_INTERVAL } from "./scene/arena_painting.js";
import { clampToArena, poseWords } from "./scene/geometry.js";

const STEP = 2; // cm that an arrow key moves a thing
const LONG_STEP = 10; // with Shift

/** @param {Pose} pose @param {number} distance @param {number} line */
function readout([x, y, heading], distance, line) {
  const words = [
    `x ${x.toFixed(1)} cm, y ${y.toFixed(1)} cm`,
    `heading ${Math.round(heading + 360) % 360}°`,
  ];
  if (Number.isFinite(distance))
    words.push(distance >= 300 ? "nothing ahead" : `${distance.toFixed(0)} cm ahead`);
  if (Number.isFinite(line)) words.push(`line sensor ${line.toString(2).padStart(4, "0")}`);
  return words.join(" · ");
}

/** @param {View} view */
function render(view) {
  const live = new LiveView(view, "mbot-arena mbot-column", "Arena of robot");
  live.addFrame();
  const canvas = make("canvas", live.root, { tabIndex: 0, role: "img" });
  const lost = make("div", live.root, {
    className: "mbot-small",
    textContent: "This robot does not know where it is.",
  });
  const words = make("div", live.root, { "data-field": "readout" });

  const time = make("div", live.root, { className: "mbot-row" });
  const now = button(time, "Now", "Show what is now", () => lookBack(null));
  const play = button(time, "Pause", "Pause the replay", () =>
    live.ask({ kind: live.values.replay?.playing ? "pause" : "play" }),
  );
  const slider = make("input", time, { type: "range", min: 0, max: 0, step: "any", value: 0 });
  const when = make("span", time, { className: "mbot-arena-when", "data-field": "when" });

  const tools = make("div", live.root, { className: "mbot-row" });
  const pick = make("select", tools, { "aria-label": "Box to move with the arrow keys" });
  const draw = button(
    tools,
    "Draw a line",
    "Draw a line on the floor for the robot to follow",
    () => setDrawing(!drawing),
  );
  const erase = button(tools, "Take a line away", "Take the last line off the floor", () =>
    live.send({ kind: "erase" }),
  );
  const hint = make("div", live.root, { className: "mbot-small" });
  live.addStatus();

  let drawing = false;
  const painting = new ArenaPainting(live, canvas, (pose, distance, line) => {
    words.textContent = readout(pose, distance, line);
    const label = `The arena from above: ${poseWords(pose)}`;
    if (canvas.getAttribute("aria-label") !== label) canvas.setAttribute("aria-label", label);
  });

  // A replay has a time of its own; while it plays, its state tells it once a second.
  let replayReceived = 0;
  let lastSeek = -Infinity; // when the hand has moved the slider last
  const replayAt = (/** @type {Values} */ { position, duration, playing, speed }) =>
    Math.min(
      duration,
      position + (playing ? ((performance.now() - replayReceived) / 1000) * (speed ?? 1) : 0),
    );
  const seek = () => {
    const position = Math.min(Number(slider.value), live.values.replay.duration - 0.001);
    lastSeek = performance.now();
    live.send({ kind: "seek", position: Math.max(0, position) });
  };
  const writeReplay = (/** @type {Values} */ replay) => {
    slider.min = "0";
    slider.max = replay.duration;
    slider.disabled = live.ended;
    const words = replay.playing ? "Pause" : "Play";
    if (play.textContent !== words) {
      play.textContent = words;
      play.setAttribute("aria-label", `${words} the replay`);
    }
    if (performance.now() - lastSeek > SETTLE_TIME) slider.value = String(replayAt(replay));
    when.textContent = `${Number(slider.value).toFixed(1)} of ${replay.duration.toFixed(1)} s`;
  };
  const writeTime = () => {
    const { replay } = live.values;
    now.hidden = Boolean(replay);
    play.hidden = !replay;
    slider.setAttribute(
      "aria-label",
      replay ? "Place in the recording, in seconds" : "Look back over the way",
    );
    if (replay) {
      writeReplay(replay);
      return;
    }
    const { rows } = painting.history;
    const [first, last] = [rows[0]?.[0] ?? 0, rows.at(-1)?.[0] ?? 0];
    slider.min = String(first);
    slider.max = String(last);
    slider.disabled = rows.length < 2;
    now.setAttribute("aria-pressed", String(painting.lookBackTime === null));
    if (painting.lookBackTime === null) slider.value = String(last);
    when.textContent =
      painting.lookBackTime === null
        ? "now"
        : `${(last - painting.lookBackTime).toFixed(1)} s back`;
  };
  const lookBack = (/** @type {number | null} */ t) => {
    painting.lookBackTime = t;
    writeTime();
    painting.requestDraw();
  };
  slider.addEventListener("input", () => {
    if (live.values.replay) {
      lastSeek = performance.now();
      writeTime();
      if (lastSeek - painting.sent < 2 * MIN_INTERVAL) return;
      painting.sent = lastSeek;
      seek();
      return;
    }
    const t = Number(slider.value);
    lookBack(t >= Number(slider.max) ? null : t);
  });

  slider.addEventListener("change", () => live.values.replay && seek());
  live.every(250, () => live.shown && live.values.replay?.playing && writeTime());

  const setDrawing = (/** @type {boolean} */ on) => {
    drawing = on;
    draw.setAttribute("aria-pressed", String(on));
    canvas.style.cursor = on ? "crosshair" : "";
    painting.lineDrawn = null;
    painting.cursor = null;
    writeHint();
    painting.requestDraw();
  };
  const writeHint = () => {
    hint.textContent =
      live.values.fixed ||
      (drawing
        ? "Draw on the floor; or, in the picture, arrow keys move the cross, Enter sets a point, " +
          "Escape ends the line."
        : "Drag a box; or choose one, and move it with the arrow keys in the picture.");
  };

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || live.values.fixed || !painting.arena || !painting.floor) return;
    const point = painting.place(event);
    if (drawing) {
      painting.lineDrawn = [];
      painting.extend(point);
    } else {
      const box = painting.boxAt(point);
      if (box === null) return;
      painting.grab(box, point);
      pick.value = String(box);
      painting.chosenBox = box;
    }
    event.preventDefault();
    canvas.focus();
    canvas.setPointerCapture(event.pointerId);
  });
  let dragging = false;
  canvas.addEventListener("pointermove", (event) => {
    if (!canvas.hasPointerCapture(event.pointerId)) {
      if (!drawing && painting.floor && !live.values.fixed)
        canvas.style.cursor = painting.boxAt(painting.place(event)) === null ? "" : "grab";
      return;
    }
    dragging = true;
    if (painting.lineDrawn) painting.extend(painting.place(event));
    else if (painting.held) painting.drag(painting.place(event));
  });
  canvas.addEventListener("lostpointercapture", () => {
    if (painting.lineDrawn) {
      painting.finishLine();
      setDrawing(false);
    } else if (painting.held) {
      if (dragging) painting.drop();
      else painting.held = null;
    }
    dragging = false;
  });
  canvas.addEventListener("keydown", (event) => {
    const [dx, dy] = {
      ArrowLeft: [-1, 0],
      ArrowRight: [1, 0],
      ArrowUp: [0, 1],
      ArrowDown: [0, -1],
    }[event.key] ?? [0, 0];
    const step = event.shiftKey ? LONG_STEP : STEP;
    if (drawing && painting.arena) {
      const [x, y] = painting.cursor ?? [painting.arena.width / 2, painting.arena.height / 2];
      if (event.key === "Escape") {
        painting.finishLine();
        setDrawing(false);
      } else if (event.key === "Enter") {
        painting.lineDrawn ??= [];
        painting.extend([x, y]);
      } else if (!dx && !dy) {
        return;
      }
      if (drawing) painting.cursor = clampToArena([x + dx * step, y + dy * step], painting.arena);
    } else if (
      (dx || dy) &&
      painting.chosenBox !== null &&
      painting.arena?.boxes?.[painting.chosenBox]
    ) {
      painting.push(painting.chosenBox, dx * step, dy * step);
    } else {
      return;
    }
    event.preventDefault();
    painting.requestDraw();
  });
  pick.addEventListener("change", () => {
    painting.chosenBox = pick.value === "" ? null : Number(pick.value);
    canvas.focus();
    painting.requestDraw();
  });

  const writePick = () => {
    const count = live.values.fixed ? 0 : (painting.arena?.boxes?.length ?? 0);
    if (pick.options.length !== count + 1) {
      pick.replaceChildren(new Option(count ? "Choose a box" : "No box", ""));
      for (let at = 0; at < count; at += 1) pick.add(new Option(`Box ${at + 1}`, String(at)));
      if (painting.chosenBox !== null && painting.chosenBox >= count) painting.chosenBox = null;
    }
    tools.hidden = Boolean(live.values.fixed) || !painting.arena;
    erase.disabled = live.ended || !painting.arena?.lines?.length;
  };

  live.onValues = (values, all) => {
    painting.update(values, all);
    if ("replay" in values) {
      replayReceived = performance.now();
      if (values.replay) painting.lookBackTime = null;
    }
    lost.hidden = !canvas.hidden;
    if ("arena" in values || "fixed" in values) {
      writePick();
      writeHint();
    }
    writeTime();
  };
  live.onMessage = (content, buffers) => {
    if (content.kind === "history") {
      painting.history.replace(buffers[0]);
      painting.lights = content.lights;
      writeTime();
      painting.requestDraw();
    } else if (content.kind === "moved") {
      painting.moved(content);
    }
  };
  return live.start();
}

export default { render };
