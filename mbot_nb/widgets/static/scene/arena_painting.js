// The arena's picture, and what a hand does to it.

/** @import { LiveView } from "../live/live_view.js" */

import { Painting } from "../live/painting.js";
import { drawingOn } from "./drawing.js";
import { boxAt, clampToArena, thin, visibleFloor } from "./geometry.js";
import { Glide } from "./glide.js";
import { History, MAX_SAMPLES } from "./history.js";

const FRAME_INTERVAL = 1000 / 30 - 2; // ms between two pictures; the screen's own beat rounds it up

export const MIN_INTERVAL = 50; // ms between two messages of something that is dragged

const MAX_POINTS = 390; // of a line; the kernel's side takes 400
const MIN_STEP = 2; // cm between two points of a line drawn by hand

/** The picture, and what hands do to it. */
export class ArenaPainting extends Painting {
  /**
   * @param {LiveView} live
   * @param {HTMLCanvasElement} canvas
   * @param {(...given: any[]) => void} onDrawn
   */
  constructor(live, canvas, onDrawn) {
    super(live, canvas, FRAME_INTERVAL);
    this.onDrawn = onDrawn;
    this.history = new History();
    /** @type {Arena | null} */
    this.arena = null;
    /** @type {Floor | null} */
    this.floor = null; // until something has been drawn
    /** @type {[number, number[][]][]} */
    this.lights = []; // since when the LEDs shine as they do
    this.glide = new Glide();
    /** @type {number | null} */
    this.lookBackTime = null; // the time looked back at, or null for now
    /** @type {number | null} */
    this.chosenBox = null; // the box that keys move
    /** @type {Held | null} */
    this.held = null; // { box, dx, dy, x, y }
    this.sent = 0;
    /** @type {number[][] | null} */
    this.lineDrawn = null; // the points of a line under the hand
    /** @type {Point | null} */
    this.cursor = null; // where keys draw
  }

  /** @param {Values} values @param {boolean} all */
  update(values, all) {
    if ("arena" in values) this.arena = values.arena;
    if ("sample" in values && values.sample) this.history.add(values.sample);
    if ("leds" in values)
      this.lights.push([values.sample?.[0] ?? this.history.rows.at(-1)?.[0] ?? 0, values.leds]);
    if (this.lights.length > MAX_SAMPLES) this.lights.shift();
    if ("pose" in values) this.glide.moveTo(values.pose, all);
    this.canvas.hidden = !this.glide.to;
    this.requestDraw();
  }

  /** What is shown: now, or what was at the time looked back at. */
  momentShown() {
    const { rows } = this.history;
    if (this.lookBackTime === null || !rows.length) {
      const last = rows.at(-1);
      return {
        pose: this.glide.pose(),
        distance: last?.[4] ?? NaN,
        line: last?.[5] ?? NaN,
        leds: this.lights.at(-1)?.[1],
        count: rows.length,
      };
    }
    const at = this.history.at(this.lookBackTime);
    const [t, x, y, heading, distance, line] = rows[at];
    const leds = this.lights.findLast(([since]) => since <= t + 1e-3)?.[1];
    return { pose: /** @type {Pose} */ ([x, y, heading]), distance, line, leds, count: at + 1 };
  }

  draw() {
    const { rows } = this.history;
    const { pose, distance, line, leds, count } = this.momentShown();
    if (!pose) return;
    const floor = visibleFloor(this.arena, rows, pose);
    this.floor = floor;
    const drawing = drawingOn(this.canvas, floor, this.live.root);
    if (!drawing) return;
    const arena = this.arena && this.asHeld(this.arena);
    if (arena) drawing.arena(arena);
    else drawing.plainFloor(floor);
    const chosen = arena?.boxes?.[this.held?.box ?? this.chosenBox ?? -1];
    if (chosen) drawing.chosen(chosen);
    if (this.lineDrawn?.length) drawing.line(this.lineDrawn, drawing.color("ink"), 2);
    const path = rows.map(([, x, y]) => [x, y]);
    if (this.lookBackTime !== null) {
      drawing.context.globalAlpha = 0.25;
      drawing.path(path);
      drawing.context.globalAlpha = 1;
    }
    const gliding = this.lookBackTime === null && this.glide.moving;
    // While it glides, the path ends under the robot and not ahead of it.
    drawing.path([...path.slice(0, gliding ? count - 1 : count), pose]);
    drawing.cone(pose, distance);
    drawing.robot(pose);
    drawing.parts(pose, leds ?? [], line);
    if (this.cursor) drawing.cross(this.cursor);
    this.onDrawn(pose, distance, line);
    if (gliding || this.held) this.requestDraw();
  }

  /**
   * The arena with the thing in the hand where the hand is.
   * @param {Arena} arena
   * @returns {Arena}
   */
  asHeld(arena) {
    const { held } = this;
    if (!held) return arena;
    const boxes = (arena.boxes ?? []).map((box, at) =>
      at === held.box ? { ...box, x: held.x, y: held.y } : box,
    );
    return { ...arena, boxes };
  }

  // Hands.

  /**
   * A point of the page in cm.
   * @param {MouseEvent} event
   * @returns {Point}
   */
  place(event) {
    const box = this.canvas.getBoundingClientRect();
    const floor = this.floor ?? { left: 0, bottom: 0, width: 0, height: 0 };
    return [
      floor.left + ((event.clientX - box.left) / box.width) * floor.width,
      floor.bottom + (1 - (event.clientY - box.top) / box.height) * floor.height,
    ];
  }

  /**
   * The number of the box at a place, or null.
   * @param {Point} point
   */
  boxAt(point) {
    return boxAt(this.arena?.boxes ?? [], point);
  }

  /** @param {number} number @param {Point} pose */
  grab(number, [x, y]) {
    const box = this.arena?.boxes?.[number];
    if (!box) return;
    this.held = { box: number, dx: box.x - x, dy: box.y - y, x: box.x, y: box.y };
  }

  /** @param {Point} pose */
  drag([x, y]) {
    const { held, arena } = this;
    if (!held || !arena) return;
    [held.x, held.y] = clampToArena([x + held.dx, y + held.dy], arena);
    if (performance.now() - this.sent >= MIN_INTERVAL) this.sendHeld();
    this.requestDraw();
  }

  drop() {
    this.sendHeld();
    const { held } = this;
    // Until the world says where the thing is now.
    setTimeout(() => {
      if (this.held === held) this.held = null;
      this.requestDraw();
    }, 250);
  }

  sendHeld() {
    if (!this.held) return;
    const { box, x, y } = this.held;
    this.sent = performance.now();
    this.live.send({ kind: "move", box, x: Math.round(x * 10) / 10, y: Math.round(y * 10) / 10 });
  }

  /**
   * Move a box by so many cm; the next push goes on from there, whether or not the world has
   * answered.
   * @param {number} number
   * @param {number} dx
   * @param {number} dy
   */
  push(number, dx, dy) {
    const thing = this.arena?.boxes?.[number];
    if (!thing) return;
    this.held = { box: number, x: thing.x + dx, y: thing.y + dy, dx: 0, dy: 0 };
    this.sendHeld();
    this.moved(this.held);
    this.held = null;
  }

  /**
   * Where the world has let a thing be moved to.
   * @param {Values} given
   */
  moved({ box, x, y }) {
    if (!this.arena?.boxes?.[box]) return;
    this.arena = {
      ...this.arena,
      boxes: this.arena.boxes.map((old, at) => (at === box ? { ...old, x, y } : old)),
    };
    this.requestDraw();
  }

  /** @param {number[]} point */
  extend(point) {
    if (!this.lineDrawn || !this.arena) return;
    const last = this.lineDrawn.at(-1);
    if (last && Math.hypot(point[0] - last[0], point[1] - last[1]) < MIN_STEP) return;
    this.lineDrawn.push(
      clampToArena(point, this.arena).map((number) => Math.round(number * 10) / 10),
    );
    this.requestDraw();
  }

  finishLine() {
    if (this.lineDrawn && this.lineDrawn.length > 1) {
      const points = thin(this.lineDrawn, MAX_POINTS);
      this.live.ask({ kind: "line", points });
    }
    this.lineDrawn = null;
    this.requestDraw();
  }
}
