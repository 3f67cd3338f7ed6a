// A pose that glides from each that comes to the next.

import { interpolate, isJump } from "./geometry.js";

const DURATION = 110; // ms: poses come ten times a second

/** Where the robot is drawn. */
export class Glide {
  constructor() {
    /** @type {Pose | null} */
    this.from = null;
    /** @type {Pose | null} */
    this.to = null;
    this.since = 0;
    this.reducedMotion = matchMedia("(prefers-reduced-motion: reduce)");
  }

  /**
   * Glide to a pose, or be there at once.
   * @param {Pose | null} pose
   * @param {boolean} atOnce
   */
  moveTo(pose, atOnce) {
    const before = this.pose();
    this.from =
      atOnce || this.reducedMotion.matches || !before || !pose || isJump(before, pose)
        ? pose
        : before;
    this.to = pose;
    this.since = performance.now();
  }

  /** @returns {Pose | null} */
  pose() {
    if (!this.from || !this.to) return this.to;
    return interpolate(
      this.from,
      this.to,
      Math.min(1, (performance.now() - this.since) / DURATION),
    );
  }

  get moving() {
    return performance.now() - this.since < DURATION;
  }
}
