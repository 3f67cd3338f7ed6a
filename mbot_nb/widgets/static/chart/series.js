// The values of one line.

/** One line: its values, the oldest first. */
export class Series {
  /** @param {Values} given */
  constructor({ name, unit, holds, color }) {
    this.name = name;
    this.unit = unit;
    this.holds = holds;
    this.color = color;
    /** @type {number[]} */
    this.t = [];
    /** @type {number[]} */
    this.v = [];
    this.hidden = false;
  }

  /** @param {ArrayLike<number>} pairs @param {number} maxPoints */
  add(pairs, maxPoints) {
    for (let at = 0; at < pairs.length; at += 2) {
      this.t.push(pairs[at]);
      this.v.push(pairs[at + 1]);
    }
    // In pieces, since the front of an array is dear to cut.
    if (this.t.length > maxPoints * 1.2) {
      this.t.splice(0, this.t.length - maxPoints);
      this.v.splice(0, this.v.length - maxPoints);
    }
  }

  /**
   * The number of the last value at or before a time, or -1.
   * @param {number} t
   */
  at(t) {
    let low = 0;
    let high = this.t.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.t[middle] <= t) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}
