// Axes: round numbers, and values as heights.

/** @import { Series } from "./series.js" */
/**
 * Round numbers for the marks of an axis.
 * @param {number} low
 * @param {number} high
 * @param {number} maxCount
 */
export function ticks(low, high, maxCount) {
  const rough = (high - low) / maxCount;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5].find((factor) => factor * power >= rough) ?? 10) * power;
  const found = [];
  for (let at = Math.ceil(low / step - 1e-9) * step; at <= high + step * 1e-9; at += step)
    found.push(Math.abs(at) < step / 1e6 ? 0 : at);
  return found;
}

/** @param {number | undefined} value */
export function formatNumber(value) {
  if (value === undefined || Number.isNaN(value)) return "–";
  const size = Math.abs(value);
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : size >= 0.1 || size === 0 ? 2 : 4);
}

/**
 * From values to heights, for each unit of the lines that are seen.
 * @param {Series[]} lines
 * @param {number} from s
 * @param {number} to s
 * @param {{ top: number, bottom: number }} box
 */
export function scalesOf(lines, from, to, box) {
  /** @type {Map<string, { low: number, high: number, colors: string[] }>} */
  const ranges = new Map();
  for (const line of lines) {
    if (line.hidden) continue;
    const range = ranges.get(line.unit) ?? { low: Infinity, high: -Infinity, colors: [] };
    range.colors.push(line.color);
    for (let at = Math.max(0, line.at(from)); at < line.t.length && line.t[at] <= to; at += 1) {
      range.low = Math.min(range.low, line.v[at]);
      range.high = Math.max(range.high, line.v[at]);
    }
    ranges.set(line.unit, range);
  }
  /** @type {Map<string, Scale>} */
  const scales = new Map();
  for (const [unit, range] of ranges) {
    let { low, high } = range;
    if (low > high) [low, high] = [0, 1];
    // What goes from 0 to 1, as tension does, is seen as a part of that; a tremble of anything is
    // not seen as a quake.
    if (!unit && low >= 0 && high <= 1) [low, high] = [0, 1];
    const minRange = Math.max(Math.abs(low), Math.abs(high)) * 0.1 || 1;
    const [middle, room] = [(low + high) / 2, Math.max(high - low, minRange)];
    [low, high] = [middle - room * 0.58, middle + room * 0.58];
    const y = (/** @type {number} */ value) =>
      box.bottom - ((value - low) / (high - low)) * (box.bottom - box.top);
    scales.set(unit, { low, high, colors: range.colors, y });
  }
  return scales;
}
