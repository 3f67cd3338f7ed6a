// The card's picture, which glides from one pose to the next.

/** @import { LiveView } from "../live/live_view.js" */

import { Painting } from "../live/painting.js";
import { drawingOn } from "./drawing.js";
import { Glide } from "./glide.js";

const FRAME_INTERVAL = 1000 / 20 - 2; // ms between two pictures; the screen's own beat rounds it up
const STEP = 0.5; // cm between two points of the path
const MAX_POINTS = 1500;

/** The picture: keeps what is known, and draws it when something has changed. */
export class CardPicture extends Painting {
  /** @param {LiveView} live @param {HTMLCanvasElement} canvas */
  constructor(live, canvas) {
    super(live, canvas, FRAME_INTERVAL);
    /** @type {Arena | null} */
    this.arena = null;
    /** @type {number[][]} */
    this.path = [];
    this.glide = new Glide();
  }

  /** @param {Values} values */
  update(values) {
    if ("arena" in values) this.arena = values.arena;
    if ("path" in values) this.path = values.path.slice();
    if ("pose" in values) {
      this.glide.moveTo(values.pose, "path" in values);
      if (values.pose && !("path" in values)) this.extend(values.pose);
    }
    this.canvas.hidden = !(this.arena && this.glide.to);
    this.requestDraw();
  }

  /** @param {Pose} pose */
  extend([x, y]) {
    const last = this.path.at(-1);
    if (last && Math.hypot(x - last[0], y - last[1]) < STEP) return;
    this.path.push([x, y]);
    if (this.path.length > MAX_POINTS) this.path.shift();
  }

  draw() {
    const pose = this.glide.pose();
    const drawing = this.arena && drawingOn(this.canvas, this.arena, this.live.root);
    if (!this.arena || !drawing || !pose) return;
    drawing.arena(this.arena);
    const gliding = this.glide.moving;
    // While it glides, the path ends under the robot and not ahead of it.
    drawing.path(gliding ? [...this.path.slice(0, -1), pose] : [...this.path, pose]);
    drawing.robot(pose);
    if (gliding) this.requestDraw();
  }
}
