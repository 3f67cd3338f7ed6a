// The chart's picture: what is drawn, and which part of it is seen.

/** @import { LiveView } from "../live/live_view.js" */

import { colorOf } from "../live/dom.js";
import { Painting } from "../live/painting.js";
import { scalesOf, ticks } from "./scale.js";
import { Series } from "./series.js";

const FRAME_INTERVAL = 1000 / 25 - 2; // ms between two pictures

export const SPANS = [2, 5, 10, 20, 30, 60, 120, 300, 600, 1800]; // s

const DEFAULT_SPAN = 4; // which of them it begins with
const PADDING = { top: 26, right: 44, bottom: 22, left: 48 };
const AXES = 2; // as many units have one, left and right

/** What is drawn, and which part of it is seen. */
export class ChartPainting extends Painting {
  /**
   * @param {LiveView} live
   * @param {HTMLCanvasElement} canvas
   * @param {(...given: any[]) => void} onDrawn
   */
  constructor(live, canvas, onDrawn) {
    super(live, canvas, FRAME_INTERVAL);
    this.onDrawn = onDrawn;
    this.context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    this.color = colorOf(live.root);
    /** @type {Series[]} */
    this.lines = [];
    /** @type {Values[]} */
    this.marks = [];
    this.maxPoints = 1000;
    /** @type {number | null} */
    this.offset = null; // the kernel's time is the page's plus this, s
    this.span = DEFAULT_SPAN;
    /** @type {number | null} */
    this.end = null; // the right edge while it is paused, s
    this.pausedAt = 0; // when it was paused, s
    this.lastReceived = 0; // up to when values have come, s
    this.shownUntil = Infinity; // the same when it was paused: what came later is not shown
    /** @type {number | null} */
    this.cursor = null; // the time that is read, s
    /** @type {string[]} */
    this.units = []; // those that have an axis
    this.drawnUntil = 0; // up to when there is something to draw, s
    /** @type {number[]} */
    this.breaks = []; // when the connection was lost, s
    /** @type {[number, number]} */
    this.shownRange = [0, 0];
    this.box = { left: 0, right: 0, top: 0, bottom: 0 }; // the inside, px
    /** @type {Map<string, Scale>} */
    this.scales = new Map();
  }

  /** @param {Values[]} lines @param {number} maxPoints */
  setLines(lines, maxPoints) {
    this.maxPoints = maxPoints;
    this.lines = lines.map(
      (line) => this.lines.find(({ name }) => name === line.name) ?? new Series(line),
    );
  }

  clear() {
    for (const line of this.lines) [line.t, line.v] = [[], []];
    this.marks = [];
  }

  /** @param {number} now */
  onTime(now) {
    const offset = now - performance.now() / 1000;
    // What came soonest tells best; a machine that slept is known by a jump.
    if (this.offset === null || offset > this.offset || offset < this.offset - 1)
      this.offset = offset;
  }

  /** @param {Values} given @param {DataView} buffer */
  addPoints({ counts, marks, now }, buffer) {
    this.onTime(now);
    this.lastReceived = now;
    const numbers = new Float64Array(
      buffer.buffer.slice(buffer.byteOffset, buffer.byteOffset + buffer.byteLength),
    );
    let at = 0;
    counts.forEach((/** @type {number} */ count, /** @type {number} */ line) => {
      this.lines[line].add(numbers.subarray(at, at + 2 * count), this.maxPoints);
      at += 2 * count;
      if (count) this.lastReceived = Math.max(this.lastReceived, numbers[at - 2]);
    });
    this.marks.push(...marks);
    if (this.marks.length > 200) this.marks.splice(0, this.marks.length - 200);
    this.requestDraw();
  }

  now() {
    return this.offset === null ? 0 : performance.now() / 1000 + this.offset;
  }

  get paused() {
    return this.end !== null;
  }

  /** @param {boolean} on */
  pause(on) {
    const [, right] = this.range();
    this.pausedAt = this.now();
    this.shownUntil = on ? this.lastReceived : Infinity;
    this.end = on ? right : null;
    if (!on) this.cursor = null;
    this.requestDraw();
  }

  /** @param {number} by */
  zoom(by) {
    this.span = Math.min(SPANS.length - 1, Math.max(0, this.span + by));
    this.requestDraw();
  }

  /** The time of the oldest value. */
  first() {
    return Math.min(...this.lines.map((line) => line.t[0] ?? Infinity), this.now());
  }

  /** @param {number} seconds */
  pan(seconds) {
    if (!this.paused) this.pause(true);
    this.pausedAt = this.now();
    this.shownUntil = this.lastReceived;
    this.end = Math.min(
      this.now(),
      Math.max(this.first() + SPANS[this.span] / 4, (this.end ?? 0) + seconds),
    );
    this.requestDraw();
  }

  /** @returns {[number, number]} */
  range() {
    // It grows from the left until there is more than can be shown.
    const right = this.end ?? Math.max(this.now(), this.first() + SPANS[this.span]);
    return [right - SPANS[this.span], right];
  }

  /**
   * Where a time is on the canvas.
   * @param {number} t
   */
  x(t) {
    const { left, right } = this.box;
    return left + ((t - this.shownRange[0]) / SPANS[this.span]) * (right - left);
  }

  draw() {
    const { canvas, context } = this;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (!width || !height) return;
    const ratio = devicePixelRatio || 1;
    const [across, down] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (canvas.width !== across || canvas.height !== down)
      [canvas.width, canvas.height] = [across, down];
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    this.color = colorOf(this.live.root);
    const box = {
      left: PADDING.left,
      right: width - PADDING.right,
      top: PADDING.top,
      bottom: height - PADDING.bottom,
    };
    this.box = box;
    this.shownRange = this.range();
    const [from, to] = this.shownRange;
    this.drawnUntil = Math.min(to, this.paused ? this.pausedAt : this.now());
    this.breaks = this.marks
      .filter(({ what, t }) => what === "lost" && t <= this.shownUntil)
      .map(({ t }) => t);
    context.font = `11px ${getComputedStyle(this.live.root).fontFamily}`;
    this.drawMarks();
    this.scales = scalesOf(this.lines, from, Math.min(this.drawnUntil, this.shownUntil), box);
    this.drawAxes();
    context.save();
    context.beginPath();
    context.rect(box.left, box.top - 2, box.right - box.left, box.bottom - box.top + 4);
    context.clip();
    context.lineWidth = 1.8;
    context.lineJoin = "round";
    for (const line of this.lines) this.drawLine(line);
    context.restore();
    this.drawCursor();
    this.onDrawn();
    if (!this.paused && this.offset !== null && !this.live.ended) this.requestDraw();
  }

  drawAxes() {
    const { context, box, scales, color } = this;
    const [from, to] = this.shownRange;
    const units = [...scales.keys()];
    context.strokeStyle = color("edge");
    context.fillStyle = color("faint");
    context.lineWidth = 1;
    context.textBaseline = "middle";
    this.units = units.slice(0, AXES);
    this.units.forEach((unit, side) => {
      const scale = scales.get(unit);
      if (!scale) return;
      // In its line's colour, as far as letters can be read in it on this ground; several lines
      // have it in the ground's ink.
      const ink = color("ink");
      const own =
        scale.colors.length === 1 ? `color-mix(in srgb, ${scale.colors[0]} 65%, ${ink})` : ink;
      this.drawUnit(side, unit || "no unit", scale.colors, own);
      context.fillStyle = own;
      context.textAlign = side ? "left" : "right";
      for (const value of ticks(scale.low, scale.high, 5)) {
        const y = Math.round(scale.y(value)) + 0.5;
        if (!side) {
          context.beginPath();
          context.moveTo(box.left, y);
          context.lineTo(box.right, y);
          context.stroke();
        }
        context.fillText(
          String(Number(value.toPrecision(6))),
          side ? box.right + 5 : box.left - 5,
          y,
        );
      }
    });
    context.fillStyle = color("faint");
    context.textAlign = "center";
    context.textBaseline = "top";
    for (const t of ticks(from, to, Math.max(2, (box.right - box.left) / 90))) {
      const words = `${Number(t.toFixed(2))} s`;
      if (t >= 0) context.fillText(words, this.x(t), box.bottom + 6);
    }
    context.strokeRect(box.left + 0.5, box.top + 0.5, box.right - box.left, box.bottom - box.top);
  }

  /**
   * Above its axis: a stroke in the colour of each line that it is of, and the unit.
   * @param {number} side
   * @param {string} unit
   * @param {string[]} colors
   * @param {string} own
   */
  drawUnit(side, unit, colors, own) {
    const { context, box } = this;
    const [stroke, gap] = [10, 3];
    const words = context.measureText(unit).width;
    const width = colors.length * (stroke + gap) + words;
    let left = side ? Math.min(box.right + 5, box.right + PADDING.right - 2 - width) : 2;
    const y = box.top - 14;
    for (const each of colors) {
      context.fillStyle = each;
      context.fillRect(left, y - 2, stroke, 4);
      left += stroke + gap;
    }
    context.fillStyle = own;
    context.textAlign = "left";
    context.fillText(unit, left, y);
  }

  /** @param {Series} line */
  drawLine(line) {
    const { context, drawnUntil: to } = this;
    const { t, v } = line;
    const scale = this.scales.get(line.unit);
    if (!scale || line.hidden) return;
    context.strokeStyle = line.color;
    context.beginPath();
    let any = false;
    let at = Math.max(0, line.at(this.shownRange[0]));
    for (; at < t.length && t[at] <= Math.min(to, this.shownUntil); at += 1) {
      // Nothing is known of the time without a connection.
      if (any && !this.isBroken(t[at - 1], t[at])) context.lineTo(this.x(t[at]), scale.y(v[at]));
      else context.moveTo(this.x(t[at]), scale.y(v[at]));
      any = true;
    }
    if (any && t[at] <= this.shownUntil && !this.isBroken(t[at - 1], t[at]))
      context.lineTo(this.x(t[at]), scale.y(v[at]));
    // A state holds until it changes.
    else if (any && line.holds && !this.isBroken(t[at - 1], to))
      context.lineTo(this.x(to), scale.y(v[at - 1]));
    context.stroke();
  }

  /** @param {number} from @param {number} to */
  isBroken(from, to) {
    return this.breaks.some((t) => from <= t && t < to);
  }

  /** Where the connection was lost, and where the loop stood still. */
  drawMarks() {
    const { context, box } = this;
    /** @type {Values | null} */
    let lost = null;
    /** @type {number[]} */
    const taken = []; // the right ends of the words in each row
    /** @type {(begin: number, end: number, name: string, words: string) => void} */
    const band = (begin, end, name, words) => {
      const [left, right] = [
        Math.max(box.left, this.x(begin)),
        Math.min(box.right, Math.max(this.x(end), this.x(begin) + 2)),
      ];
      if (right <= box.left || left >= box.right) return;
      context.fillStyle = this.color(name);
      context.globalAlpha = 0.18;
      context.fillRect(left, box.top, right - left, box.bottom - box.top);
      context.globalAlpha = 1;
      context.textAlign = "left";
      context.textBaseline = "top";
      const room = context.measureText(words).width;
      const at = Math.max(box.left + 3, Math.min(left + 3, box.right - room - 3));
      let row = taken.findIndex((edge) => edge < at - 8);
      if (row < 0) row = taken.length;
      taken[row] = at + room;
      context.fillText(words, at, box.top + 3 + 14 * row);
    };
    for (const mark of this.marks.filter(
      ({ t }) => t <= Math.min(this.drawnUntil, this.shownUntil),
    )) {
      if (mark.what === "stall") band(mark.t, mark.t + mark.seconds, "wait", mark.words);
      else if (mark.what === "lost") lost ??= mark;
      else if (lost) {
        band(lost.t, mark.t, "bad", "no connection");
        lost = null;
      }
    }
    if (lost) band(lost.t, this.drawnUntil, "bad", "no connection");
  }

  drawCursor() {
    const { context, box } = this;
    if (this.cursor === null) return;
    const px = this.x(this.cursor);
    if (px < box.left - 1 || px > box.right + 1) return;
    context.strokeStyle = this.color("faint");
    context.lineWidth = 1;
    context.beginPath();
    context.moveTo(px, box.top);
    context.lineTo(px, box.bottom);
    context.stroke();
    for (const line of this.lines) {
      const at = line.at(Math.min(this.cursor, this.shownUntil));
      const scale = this.scales.get(line.unit);
      if (!scale || line.hidden || at < 0) continue;
      context.fillStyle = line.color;
      context.beginPath();
      context.arc(px, scale.y(line.v[at]), 3, 0, 2 * Math.PI);
      context.fill();
    }
  }

  /**
   * The value of a line at the time that is read, or its last one.
   * @param {Series} line
   */
  value(line) {
    return line.v[line.at(Math.min(this.cursor ?? this.end ?? Infinity, this.shownUntil))];
  }
}
