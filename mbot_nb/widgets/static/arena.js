// The arena's page side: thirty pictures a second while something moves, none while nothing does.

const FRAME = 1000 / 30 - 2; // ms between two pictures; the screen's own beat rounds it up
const GLIDE = 110; // ms: poses come ten times a second, and the picture glides from one to the next
const SOONEST = 50; // ms between two messages of something that is dragged
const STEP = 2; // cm that an arrow key moves a thing
const LONG_STEP = 10; // with Shift
const NEAR = 2; // cm between two points of a line drawn by hand
const MOST_SAMPLES = 6000;
const COLUMNS = 6; // t, x, y, heading, distance, line
const PLAIN = 50; // cm between the lines of a floor without an arena
const EYES = [[8, 2.25], [4, 0.75], [2, -0.75], [1, -2.25]]; // bits of the line sensor, cm to the left

/** Samples of the past, the oldest first. */
class History {
  constructor() {
    this.rows = [];
  }

  replace(buffer) {
    const numbers = new Float32Array(buffer.buffer.slice(buffer.byteOffset, buffer.byteOffset + buffer.byteLength));
    this.rows = [];
    for (let at = 0; at < numbers.length; at += COLUMNS) this.rows.push(Array.from(numbers.subarray(at, at + COLUMNS)));
  }

  add(row) {
    const last = this.rows.at(-1);
    if (last && row[0] <= last[0]) return;
    this.rows.push(row.map((number) => number ?? NaN));
    if (this.rows.length > MOST_SAMPLES) this.rows.shift();
  }

  /** The number of the last sample at or before a time. */
  at(t) {
    let low = 0;
    let high = this.rows.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.rows[middle][0] <= t) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

/** The part of the floor that is shown: the arena, or what the path needs. */
function floorOf(arena, rows, pose) {
  if (arena) return { left: 0, bottom: 0, width: arena.width, height: arena.height };
  const points = [...rows.map(([, x, y]) => [x, y]), [pose[0], pose[1]]];
  const lowest = (index) => Math.floor((Math.min(...points.map((point) => point[index])) - 40) / PLAIN) * PLAIN;
  const highest = (index) => Math.ceil((Math.max(...points.map((point) => point[index])) + 40) / PLAIN) * PLAIN;
  const [left, bottom] = [lowest(0), lowest(1)];
  return { left, bottom, width: Math.max(200, highest(0) - left), height: Math.max(150, highest(1) - bottom) };
}

function drawPlainFloor(context, floor, colours) {
  context.fillStyle = colours.floor;
  context.fillRect(floor.left, floor.bottom, floor.width, floor.height);
  context.strokeStyle = colours.faint;
  context.globalAlpha = 0.25;
  context.lineWidth = 0.5;
  for (let x = floor.left; x <= floor.left + floor.width; x += PLAIN) {
    polyline(context, [[x, floor.bottom], [x, floor.bottom + floor.height]]);
  }
  for (let y = floor.bottom; y <= floor.bottom + floor.height; y += PLAIN) {
    polyline(context, [[floor.left, y], [floor.left + floor.width, y]]);
  }
  context.globalAlpha = 1;
}

/** How far the ultrasonic sensor sees, as a cone of 20 degrees. */
function drawCone(context, [x, y, heading], distance, colours) {
  if (!Number.isFinite(distance)) return;
  context.save();
  context.translate(x, y);
  context.rotate((heading * Math.PI) / 180);
  context.translate(ROBOT.length / 2, 0);
  context.fillStyle = context.strokeStyle = colours.path;
  context.globalAlpha = distance >= 300 ? 0.06 : 0.16;
  context.beginPath();
  context.moveTo(0, 0);
  context.arc(0, 0, distance, -Math.PI / 18, Math.PI / 18);
  context.closePath();
  context.fill();
  if (distance < 300) {
    context.globalAlpha = 0.9;
    context.lineWidth = 1.2;
    context.beginPath();
    context.arc(0, 0, distance, -Math.PI / 18, Math.PI / 18);
    context.stroke();
  }
  context.restore();
}

/** Lights and line sensor on the robot. */
function drawParts(context, [x, y, heading], leds, line, colours) {
  context.save();
  context.translate(x, y);
  context.rotate((heading * Math.PI) / 180);
  if (leds?.length) {
    context.fillStyle = "#101418";
    context.beginPath();
    context.roundRect(-5.9, -4.8, 2.6, 9.6, 1);
    context.fill();
  }
  (leds ?? []).forEach((led, at) => {
    const lit = led.some((part) => part > 0);
    context.fillStyle = lit ? `rgb(${led.join(" ")})` : colours.ground;
    context.globalAlpha = lit ? 1 : 0.35;
    context.beginPath();
    context.arc(-4.6, 3.6 - at * 1.8, 0.85, 0, 2 * Math.PI);
    context.fill();
    if (lit) {
      context.globalAlpha = 0.25;
      context.beginPath();
      context.arc(-4.6, 3.6 - at * 1.8, 2.2, 0, 2 * Math.PI);
      context.fill();
    }
  });
  context.globalAlpha = 1;
  if (Number.isFinite(line)) {
    for (const [bit, side] of EYES) {
      context.fillStyle = line & bit ? "#111111" : "#ffffff";
      context.strokeStyle = colours.ground;
      context.lineWidth = 0.3;
      context.beginPath();
      context.arc(7.5, side, 0.65, 0, 2 * Math.PI);
      context.fill();
      context.stroke();
    }
  }
  context.restore();
}

/** The picture, and what hands do to it. */
class Stage extends Painting {
  constructor(live, canvas, told) {
    super(live, canvas, FRAME);
    this.told = told;
    this.history = new History();
    this.arena = null;
    this.lights = []; // since when the LEDs shine as they do
    this.from = this.to = null;
    this.since = 0;
    this.back = null; // the time looked back at, or null for now
    this.chosen = null; // the box that keys move
    this.held = null; // { box, dx, dy, x, y }
    this.sent = 0;
    this.drawing = null; // the points of a line under the hand
    this.cursor = null; // where keys draw
    this.still = matchMedia("(prefers-reduced-motion: reduce)");
  }

  take(values, all) {
    if ("arena" in values) this.arena = values.arena;
    if ("sample" in values && values.sample) this.history.add(values.sample);
    if ("leds" in values) this.lights.push([values.sample?.[0] ?? this.history.rows.at(-1)?.[0] ?? 0, values.leds]);
    if (this.lights.length > MOST_SAMPLES) this.lights.shift();
    if ("pose" in values) {
      const { pose } = values;
      const before = this.pose();
      this.from = all || this.still.matches || !before || !pose || jumped(before, pose) ? pose : before;
      this.to = pose;
      this.since = performance.now();
    }
    this.canvas.hidden = !this.to;
    this.ask();
  }

  pose() {
    if (!this.from || !this.to) return this.to;
    return between(this.from, this.to, Math.min(1, (performance.now() - this.since) / GLIDE));
  }

  /** What is shown: now, or what was at the time looked back at. */
  moment() {
    const { rows } = this.history;
    if (this.back === null || !rows.length) {
      const last = rows.at(-1);
      return { pose: this.pose(), distance: last?.[4] ?? NaN, line: last?.[5] ?? NaN, leds: this.lights.at(-1)?.[1], count: rows.length };
    }
    const at = this.history.at(this.back);
    const [t, x, y, heading, distance, line] = rows[at];
    const leds = this.lights.findLast(([since]) => since <= t + 1e-3)?.[1];
    return { pose: [x, y, heading], distance, line, leds, count: at + 1 };
  }

  draw() {
    const { rows } = this.history;
    const { pose, distance, line, leds, count } = this.moment();
    if (!pose) return;
    const floor = (this.floor = floorOf(this.arena, rows, pose));
    const context = inCentimetres(this.canvas, floor);
    if (!context) return;
    context.translate(-floor.left, -floor.bottom);
    const colours = palette(this.live.root);
    if (this.arena) drawArena(context, this.asHeld(), colours);
    else drawPlainFloor(context, floor, colours);
    this.drawChosen(context, colours);
    if (this.drawing?.length) {
      context.strokeStyle = colours.ink;
      context.lineWidth = 2;
      polyline(context, this.drawing);
    }
    context.lineJoin = context.lineCap = "round";
    context.strokeStyle = colours.path;
    context.lineWidth = 1.2;
    const way = rows.map(([, x, y]) => [x, y]);
    if (this.back !== null) {
      context.globalAlpha = 0.25;
      wayOf(context, way);
      context.globalAlpha = 1;
    }
    const gliding = this.back === null && performance.now() - this.since < GLIDE;
    // While it glides, the path ends under the robot and not ahead of it.
    wayOf(context, [...way.slice(0, gliding ? count - 1 : count), pose]);
    drawCone(context, pose, distance, colours);
    drawRobot(context, pose, colours);
    drawParts(context, pose, leds, line, colours);
    if (this.cursor) this.drawCursor(context, colours);
    this.told(pose, distance, line);
    if (gliding || this.held) this.ask();
  }

  /** The arena with the thing in the hand where the hand is. */
  asHeld() {
    const { arena, held } = this;
    if (!held) return arena;
    const boxes = arena.boxes.map((box, at) => (at === held.box ? { ...box, x: held.x, y: held.y } : box));
    return { ...arena, boxes };
  }

  drawChosen(context, colours) {
    const box = this.asHeld()?.boxes?.[this.held?.box ?? this.chosen];
    if (!box) return;
    context.save();
    context.translate(box.x, box.y);
    context.rotate((box.angle * Math.PI) / 180);
    context.strokeStyle = colours.path;
    context.lineWidth = 1.6;
    context.strokeRect(-box.width / 2 - 2, -box.height / 2 - 2, box.width + 4, box.height + 4);
    context.restore();
  }

  drawCursor(context, colours) {
    const [x, y] = this.cursor;
    context.strokeStyle = colours.path;
    context.lineWidth = 0.8;
    polyline(context, [[x - 5, y], [x + 5, y]]);
    polyline(context, [[x, y - 5], [x, y + 5]]);
  }

  // Hands.

  /** A point of the page in cm. */
  place(event) {
    const box = this.canvas.getBoundingClientRect();
    const { floor } = this;
    return [
      floor.left + ((event.clientX - box.left) / box.width) * floor.width,
      floor.bottom + (1 - (event.clientY - box.top) / box.height) * floor.height,
    ];
  }

  /** The number of the box at a place, or null. */
  boxAt([x, y]) {
    const boxes = this.arena?.boxes ?? [];
    for (let at = boxes.length - 1; at >= 0; at -= 1) {
      const box = boxes[at];
      const angle = (-box.angle * Math.PI) / 180;
      const [dx, dy] = [x - box.x, y - box.y];
      const ahead = dx * Math.cos(angle) - dy * Math.sin(angle);
      const aside = dx * Math.sin(angle) + dy * Math.cos(angle);
      if (Math.abs(ahead) <= box.width / 2 + 1 && Math.abs(aside) <= box.height / 2 + 1) return at;
    }
    return null;
  }

  grab(number, [x, y]) {
    const box = this.arena.boxes[number];
    this.held = { box: number, dx: box.x - x, dy: box.y - y, x: box.x, y: box.y };
  }

  drag([x, y]) {
    const { held, arena } = this;
    held.x = Math.min(arena.width, Math.max(0, x + held.dx));
    held.y = Math.min(arena.height, Math.max(0, y + held.dy));
    if (performance.now() - this.sent >= SOONEST) this.sendHeld();
    this.ask();
  }

  drop() {
    this.sendHeld();
    const { held } = this;
    // Until the world says where the thing is now.
    setTimeout(() => {
      if (this.held === held) this.held = null;
      this.ask();
    }, 250);
  }

  sendHeld() {
    const { box, x, y } = this.held;
    this.sent = performance.now();
    this.live.send({ kind: "move", box, x: Math.round(x * 10) / 10, y: Math.round(y * 10) / 10 });
  }

  /** Move a box by so many cm; the next push goes on from there, whether or not the world has answered. */
  push(number, dx, dy) {
    const { x, y } = this.arena.boxes[number];
    this.held = { box: number, x: x + dx, y: y + dy };
    this.sendHeld();
    this.moved(this.held);
    this.held = null;
  }

  /** Where the world has let a thing be moved to. */
  moved({ box, x, y }) {
    const thing = this.arena?.boxes?.[box];
    if (!thing) return;
    this.arena = { ...this.arena, boxes: this.arena.boxes.map((old, at) => (at === box ? { ...old, x, y } : old)) };
    this.ask();
  }

  extend(point) {
    const last = this.drawing.at(-1);
    if (last && Math.hypot(point[0] - last[0], point[1] - last[1]) < NEAR) return;
    this.drawing.push(point.map((number, index) => {
      const most = index ? this.arena.height : this.arena.width;
      return Math.round(Math.min(most, Math.max(0, number)) * 10) / 10;
    }));
    this.ask();
  }

  finishLine() {
    if (this.drawing?.length > 1) {
      // At most as many points as a line takes, evenly thinned.
      const every = Math.ceil(this.drawing.length / 390);
      const points = this.drawing.filter((_, at) => at % every === 0 || at === this.drawing.length - 1);
      this.live.send({ kind: "line", points });
      this.live.expectAnswer();
    }
    this.drawing = null;
    this.ask();
  }
}

function readout([x, y, heading], distance, line) {
  const words = [`x ${x.toFixed(1)} cm, y ${y.toFixed(1)} cm`, `heading ${Math.round(heading + 360) % 360}°`];
  if (Number.isFinite(distance)) words.push(distance >= 300 ? "nothing ahead" : `${distance.toFixed(0)} cm ahead`);
  if (Number.isFinite(line)) words.push(`line sensor ${line.toString(2).padStart(4, "0")}`);
  return words.join(" · ");
}

function render({ model, el }) {
  const live = new Live({ model, el }, "mbot-arena");
  live.name = "Arena of robot";
  live.addFrame();
  const canvas = make("canvas", live.root, { tabIndex: 0 });
  canvas.setAttribute("role", "img");
  const lost = make("div", live.root, { className: "mbot-small", textContent: "This robot does not know where it is." });
  const words = live.field("readout", make("div", live.root, { className: "mbot-arena-readout" }));

  const time = make("div", live.root, { className: "mbot-arena-row" });
  const now = button(time, "Now", "Show what is now", () => lookBack(null));
  const play = button(time, "Pause", "Pause the replay", () => {
    live.send({ kind: live.values.replay?.playing ? "pause" : "play" });
    live.expectAnswer();
  });
  const slider = make("input", time, { type: "range", min: 0, max: 0, step: "any", value: 0 });
  const when = live.field("when", make("span", time, { className: "mbot-arena-when" }));

  const tools = make("div", live.root, { className: "mbot-arena-row" });
  const pick = make("select", tools);
  pick.setAttribute("aria-label", "Box to move with the arrow keys");
  const draw = button(tools, "Draw a line", "Draw a line on the floor for the robot to follow", () => setDrawing(!drawing));
  const erase = button(tools, "Take a line away", "Take the last line off the floor", () => live.send({ kind: "erase" }));
  const hint = make("div", live.root, { className: "mbot-small" });
  live.addSaid();

  let drawing = false;
  const stage = new Stage(live, canvas, (pose, distance, line) => {
    words.textContent = readout(pose, distance, line);
    const here = `the robot is at x ${Math.round(pose[0])}, y ${Math.round(pose[1])} cm and heads to ${Math.round(pose[2])} degrees`;
    const label = `The arena from above: ${here}`;
    if (canvas.getAttribute("aria-label") !== label) canvas.setAttribute("aria-label", label);
  });

  // A replay has a time of its own; while it plays, its state tells it once a second.
  let replayCame = 0;
  let sought = -Infinity; // when the hand has moved the slider last
  const replayAt = ({ position, duration, playing, speed }) =>
    Math.min(duration, position + (playing ? ((performance.now() - replayCame) / 1000) * (speed ?? 1) : 0));
  const seek = () => {
    const position = Math.min(Number(slider.value), live.values.replay.duration - 0.001);
    sought = performance.now();
    live.send({ kind: "seek", position: Math.max(0, position) });
  };
  const writeReplay = (replay) => {
    slider.min = 0;
    slider.max = replay.duration;
    slider.disabled = live.ended;
    const words = replay.playing ? "Pause" : "Play";
    if (play.textContent !== words) {
      play.textContent = words;
      play.setAttribute("aria-label", `${words} the replay`);
    }
    if (performance.now() - sought > SETTLED) slider.value = replayAt(replay);
    when.textContent = `${Number(slider.value).toFixed(1)} of ${replay.duration.toFixed(1)} s`;
  };
  const writeTime = () => {
    const { replay } = live.values;
    now.hidden = Boolean(replay);
    play.hidden = !replay;
    slider.setAttribute("aria-label", replay ? "Place in the recording, in seconds" : "Look back over the way");
    if (replay) {
      writeReplay(replay);
      return;
    }
    const { rows } = stage.history;
    const [first, last] = [rows[0]?.[0] ?? 0, rows.at(-1)?.[0] ?? 0];
    slider.min = first;
    slider.max = last;
    slider.disabled = rows.length < 2;
    now.setAttribute("aria-pressed", String(stage.back === null));
    if (stage.back === null) slider.value = last;
    when.textContent = stage.back === null ? "now" : `${(last - stage.back).toFixed(1)} s back`;
  };
  const lookBack = (t) => {
    stage.back = t;
    writeTime();
    stage.ask();
  };
  slider.addEventListener("input", () => {
    if (live.values.replay) {
      sought = performance.now();
      writeTime();
      if (sought - stage.sent < 2 * SOONEST) return;
      stage.sent = sought;
      seek();
      return;
    }
    const t = Number(slider.value);
    lookBack(t >= Number(slider.max) ? null : t);
  });

  slider.addEventListener("change", () => live.values.replay && seek());
  const beat = setInterval(() => live.shown && live.values.replay?.playing && writeTime(), 250);

  const setDrawing = (on) => {
    drawing = on;
    draw.setAttribute("aria-pressed", String(on));
    canvas.style.cursor = on ? "crosshair" : "";
    stage.drawing = null;
    stage.cursor = null;
    writeHint();
    stage.ask();
  };
  const writeHint = () => {
    const fixed = live.values.fixed ?? "";
    hint.textContent = fixed
      ? fixed
      : drawing
        ? "Draw on the floor; or, in the picture, arrow keys move the cross, Enter sets a point, Escape ends the line."
        : "Drag a box; or choose one, and move it with the arrow keys in the picture.";
  };

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || live.values.fixed || !stage.arena || !stage.floor) return;
    const point = stage.place(event);
    if (drawing) {
      stage.drawing = [];
      stage.extend(point);
    } else {
      const box = stage.boxAt(point);
      if (box === null) return;
      stage.grab(box, point);
      pick.value = String(box);
      stage.chosen = box;
    }
    event.preventDefault();
    canvas.focus();
    canvas.setPointerCapture(event.pointerId);
  });
  let dragging = false;
  canvas.addEventListener("pointermove", (event) => {
    if (!canvas.hasPointerCapture(event.pointerId)) {
      if (!drawing && stage.floor && !live.values.fixed) canvas.style.cursor = stage.boxAt(stage.place(event)) === null ? "" : "grab";
      return;
    }
    dragging = true;
    if (stage.drawing) stage.extend(stage.place(event));
    else if (stage.held) stage.drag(stage.place(event));
  });
  canvas.addEventListener("lostpointercapture", () => {
    if (stage.drawing) {
      stage.finishLine();
      setDrawing(false);
    } else if (stage.held) {
      if (dragging) stage.drop();
      else stage.held = null;
    }
    dragging = false;
  });
  canvas.addEventListener("keydown", (event) => {
    const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key] ?? [0, 0];
    const step = event.shiftKey ? LONG_STEP : STEP;
    if (drawing && stage.arena) {
      if (event.key === "Escape") {
        stage.finishLine();
        setDrawing(false);
      } else if (event.key === "Enter") {
        stage.drawing ??= [];
        stage.extend(stage.cursor ?? [stage.arena.width / 2, stage.arena.height / 2]);
      } else if (!dx && !dy) {
        return;
      }
      const [x, y] = stage.cursor ?? [stage.arena.width / 2, stage.arena.height / 2];
      if (drawing) {
        stage.cursor = [
          Math.min(stage.arena.width, Math.max(0, x + dx * step)),
          Math.min(stage.arena.height, Math.max(0, y + dy * step)),
        ];
      }
    } else if ((dx || dy) && stage.chosen !== null && stage.arena?.boxes[stage.chosen]) {
      stage.push(stage.chosen, dx * step, dy * step);
    } else {
      return;
    }
    event.preventDefault();
    stage.ask();
  });
  pick.addEventListener("change", () => {
    stage.chosen = pick.value === "" ? null : Number(pick.value);
    canvas.focus();
    stage.ask();
  });

  const writePick = () => {
    const count = live.values.fixed ? 0 : (stage.arena?.boxes?.length ?? 0);
    if (pick.options.length !== count + 1) {
      pick.replaceChildren(new Option(count ? "Choose a box" : "No box", ""));
      for (let at = 0; at < count; at += 1) pick.add(new Option(`Box ${at + 1}`, String(at)));
      if (stage.chosen !== null && stage.chosen >= count) stage.chosen = null;
    }
    tools.hidden = Boolean(live.values.fixed) || !stage.arena;
    erase.disabled = live.ended || !stage.arena?.lines?.length;
  };

  live.take = (values, all) => {
    stage.take(values, all);
    if ("replay" in values) {
      replayCame = performance.now();
      if (values.replay) stage.back = null;
    }
    lost.hidden = !canvas.hidden;
    if ("arena" in values || "fixed" in values) {
      writePick();
      writeHint();
    }
    writeTime();
  };
  live.hear = (content, buffers) => {
    if (content.kind === "history") {
      stage.history.replace(buffers[0]);
      stage.lights = content.lights;
      writeTime();
      stage.ask();
    } else if (content.kind === "moved") {
      stage.moved(content);
    }
  };
  live.seen = () => stage.ask();
  live.painted = () => stage.ask();
  live.start();
  return () => {
    clearInterval(beat);
    live.end();
    stage.stop();
  };
}

export default { render };
