// Turns a direction into short leases of motion, and its end into a stop.

/** @import { LiveView } from "../live/live_view.js" */

import { wheels } from "./directions.js";

const RENEW_INTERVAL = 100; // ms between two leases of a hold
const MIN_INTERVAL = 40; // ms between two messages of a hand that moves
const MAX_UNANSWERED = 5; // leases: the kernel is busy, and what it would do now would be late

const BUSY =
  "The kernel is busy, so the pad has let go. Motion that comes late is not carried out.";

/** Turns what the hands want into leases, and their end into a stop. */
export class DriveControl {
  /**
   * @param {LiveView} live
   * @param {() => number} speed
   * @param {(left: number, right: number) => void} onWheels
   */
  constructor(live, speed, onWheels) {
    this.live = live;
    this.speed = speed;
    this.onWheels = onWheels;
    /** @type {number[] | null} */
    this.wanted = null;
    this.hold = 0;
    this.number = this.answered = 0;
    this.sent = -Infinity;
    /** @type {number | undefined} */
    this.timer = undefined;
  }

  /**
   * Drive so: ahead and to the right, each -1 to 1. Null is to let go.
   * @param {number[] | null} vector
   */
  aim(vector) {
    const still = !vector || (!vector[0] && !vector[1]);
    if (still || !this.canDrive()) {
      this.endHold();
      return;
    }
    if (this.wanted === null) {
      this.hold += 1;
      this.timer = setInterval(() => this.lease(), RENEW_INTERVAL);
      this.answered = this.number;
    } else if (this.wanted[0] === vector[0] && this.wanted[1] === vector[1]) {
      return;
    }
    this.wanted = vector;
    if (performance.now() - this.sent >= MIN_INTERVAL) this.lease();
  }

  canDrive() {
    const { live } = this;
    return !live.ended && !live.unanswered && live.values.connection === "connected";
  }

  lease() {
    if (this.wanted === null) return;
    if (!this.canDrive() || document.hidden) {
      this.endHold();
      return;
    }
    if (this.number - this.answered >= MAX_UNANSWERED) {
      this.endHold();
      this.live.showStatus(BUSY, true);
      return;
    }
    const at = this.live.clock.now();
    if (at === null) {
      this.live.askClock();
      return;
    }
    const [left, right] = wheels(this.wanted, this.speed());
    this.sent = performance.now();
    this.number += 1;
    this.live.send({ kind: "drive", hold: this.hold, number: this.number, left, right, at });
    this.onWheels(left, right);
  }

  endHold() {
    if (this.wanted === null) return;
    this.wanted = null;
    clearInterval(this.timer);
    this.live.send({ kind: "end_hold", hold: this.hold, at: this.live.clock.now() });
    this.onWheels(0, 0);
  }

  /** @param {Values} given */
  onAnswer({ to, number, dropped }) {
    if (to !== this.live.id) return;
    this.answered = Math.max(this.answered, number);
    if (dropped && this.wanted !== null && this.canDrive()) this.live.root.dataset.dropped = "true";
  }
}
