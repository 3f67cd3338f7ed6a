// A canvas that is drawn when something has changed.

/** @import { LiveView } from "./live_view.js" */

/**
 * What is drawn anew when something has changed: `least` ms apart, on the screen's beat, and
 * only where somebody can see it.
 */
export class Painting {
  /** @param {LiveView} live @param {HTMLCanvasElement} canvas @param {number} least */
  constructor(live, canvas, least) {
    this.live = live;
    this.canvas = canvas;
    this.least = least;
    /** @type {number | null} */
    this.frame = null;
    this.drawn = 0;
    live.onVisible = live.onRestyle = () => this.ask();
    live.cleaning.push(() => {
      if (this.frame !== null) cancelAnimationFrame(this.frame);
    });
  }

  ask() {
    if (this.frame !== null || !this.live.shown) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = null;
      if (performance.now() - this.drawn < this.least) {
        this.ask();
        return;
      }
      this.drawn = performance.now();
      this.draw();
    });
  }

  /** Drawn by what a widget makes of this. */
  draw() {}
}
