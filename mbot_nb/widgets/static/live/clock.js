// The page's clock against the kernel's.

/**
 * The page's clock against the kernel's: the answer that came back soonest tells best. `onAnswer`
 * returns how many answers there were.
 */
export class Clock {
  /** @param {() => number} time the page's clock, ms */
  constructor(time = () => performance.now()) {
    this.time = time;
    /** @type {number | null} */
    this.offset = null;
    this.best = Infinity;
    this.count = 0;
  }

  /** @param {number} sent @param {number} here */
  onAnswer(sent, here) {
    const now = this.time();
    const trip = now - sent;
    if (trip <= this.best) {
      this.best = trip;
      this.offset = here - (sent + now) / 2;
    } else {
      this.best += 0.5; // an old answer counts less and less: clocks drift
    }
    this.count += 1;
    return this.count;
  }

  /** Now in the kernel's ms, or null while that is not known. */
  now() {
    return this.offset === null ? null : this.time() + this.offset;
  }
}
