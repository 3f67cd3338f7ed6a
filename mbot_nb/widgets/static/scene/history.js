// The samples that the arena looks back at.

const COLUMNS = 6; // t, x, y, heading, distance, line

export const MAX_SAMPLES = 6000;

/** Samples of the past, the oldest first. */
export class History {
  constructor() {
    /** @type {number[][]} */
    this.rows = [];
  }

  /** @param {DataView} buffer */
  replace(buffer) {
    const numbers = new Float32Array(
      buffer.buffer.slice(buffer.byteOffset, buffer.byteOffset + buffer.byteLength),
    );
    this.rows = [];
    for (let at = 0; at < numbers.length; at += COLUMNS)
      this.rows.push(Array.from(numbers.subarray(at, at + COLUMNS)));
  }

  /** @param {(number | null)[]} row */
  add(row) {
    const last = this.rows.at(-1);
    if (last && (row[0] ?? 0) <= last[0]) return;
    this.rows.push(row.map((number) => number ?? NaN));
    if (this.rows.length > MAX_SAMPLES) this.rows.shift();
  }

  /**
   * The number of the last sample at or before a time.
   * @param {number} t
   */
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
