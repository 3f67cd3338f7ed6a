// A canvas that is drawn when something has changed.

/** @import { LiveView } from "./live_view.js" */

/**
 * What is drawn anew when something has changed: `minInterval` ms apart, on the screen's beat, and
 * only where somebody can see it.
 */
export class Painting {
  /** @param {LiveView} live @param {HTMLCanvasElement} canvas @param {number} minInterval */
  constructor(live, canvas, minInterval) {
    this.live = live;
    this.canvas = canvas;
    this.minInterval = minInterval;
    /** @type {number | null} */
    this.frame = null;
    this.drawn = 0;
    live.onVisible = live.onRestyle = () => this.requestDraw();
    live.cleanups.push(() => {
      if (this.frame !== null) cancelAnimationFrame(this.frame);
    });
  }

  requestDraw() {
    if (this.frame !== null || !this.live.shown) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = null;
      if (performance.now() - this.drawn < this.minInterval) {
        this.requestDraw();
        return;
      }
      this.drawn = performance.now();
      this.draw();
    });
  }

  /** Drawn by what a widget makes of this. */
  draw() {}
}
