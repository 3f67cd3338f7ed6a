// The card's picture, which glides from one pose to the next.

/** @import { LiveView } from "../live/live_view.js" */

import { Painting } from "../live/painting.js";
import { drawArena, drawPath, drawRobot, inCentimetres, palette } from "./drawing.js";
import { interpolate, jumped } from "./geometry.js";

const FRAME = 1000 / 20 - 2; // ms between two pictures; the screen's own beat rounds it up

const GLIDE = 110; // ms: poses come ten times a second, and the picture glides from one to the next

const STEP = 0.5; // cm between two points of the path

const MOST_POINTS = 1500;

/** The picture: keeps what is known, and draws it when something has changed. */
export class CardPicture extends Painting {
  /**
   * @param {LiveView} live
   * @param {HTMLCanvasElement} canvas
   */
  constructor(live, canvas) {
    super(live, canvas, FRAME);
    /** @type {Arena | null} */
    this.arena = null;
    /** @type {number[][]} */
    this.path = [];
    /** @type {Pose | null} */
    this.from = null;
    /** @type {Pose | null} */
    this.to = null;
    this.since = 0;
    this.still = matchMedia("(prefers-reduced-motion: reduce)");
  }

  /** @param {Values} values */
  take(values) {
    if ("arena" in values) this.arena = values.arena;
    if ("path" in values) this.path = values.path.slice();
    if ("pose" in values) {
      const pose = values.pose;
      const before = this.pose();
      this.from =
        "path" in values || this.still.matches || !before || !pose || jumped(before, pose)
          ? pose
          : before;
      this.to = pose;
      this.since = performance.now();
      if (pose && !("path" in values)) this.extend(pose[0], pose[1]);
    }
    this.canvas.hidden = !(this.arena && this.to);
    this.ask();
  }

  /**
   * @param {number} x
   * @param {number} y
   */
  extend(x, y) {
    const last = this.path.at(-1);
    if (last && Math.hypot(x - last[0], y - last[1]) < STEP) return;
    this.path.push([x, y]);
    if (this.path.length > MOST_POINTS) this.path.shift();
  }

  /**
   * Where the robot is drawn now, on its way from the pose before to the last one.
   *
   * @returns {Pose | null}
   */
  pose() {
    if (!this.from || !this.to) return this.to;
    const part = Math.min(1, (performance.now() - this.since) / GLIDE);
    return interpolate(this.from, this.to, part);
  }

  draw() {
    const { canvas, arena } = this;
    const context = arena && inCentimetres(canvas, arena);
    const pose = this.pose();
    if (!arena || !context || !pose) return;
    const colours = palette(this.live.root);
    drawArena(context, arena, colours);
    const gliding = performance.now() - this.since < GLIDE;
    context.strokeStyle = colours.path;
    context.lineWidth = 1.2;
    // While it glides, the path ends under the robot and not ahead of it.
    drawPath(context, gliding ? [...this.path.slice(0, -1), pose] : [...this.path, pose]);
    drawRobot(context, pose, colours);
    if (gliding) this.ask();
  }
}
