// The live chart's page side: keeps what it got, draws what is asked to be seen. Only new values come, as doubles.

const FRAME = 1000 / 25 - 2; // ms between two pictures
const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b8860b", "#56b4e9", "#8a6d3b", "#7f7f7f"];
const SPANS = [2, 5, 10, 20, 30, 60, 120, 300, 600, 1800]; // s
const USUAL_SPAN = 4; // which of them it begins with
const PAD = { top: 26, right: 44, bottom: 22, left: 48 };
const AXES = 2; // as many units have one, left and right

/** One line: its values, the oldest first. */
class Series {
  constructor({ name, unit, holds, colour }) {
    this.name = name;
    this.unit = unit;
    this.holds = holds;
    this.colour = COLOURS[colour % COLOURS.length];
    this.t = [];
    this.v = [];
    this.hidden = false;
  }

  add(pairs, most) {
    for (let at = 0; at < pairs.length; at += 2) {
      this.t.push(pairs[at]);
      this.v.push(pairs[at + 1]);
    }
    // In pieces, since the front of an array is dear to cut.
    if (this.t.length > most * 1.2) {
      this.t.splice(0, this.t.length - most);
      this.v.splice(0, this.v.length - most);
    }
  }

  /** The number of the last value at or before a time, or -1. */
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

/** Round numbers for the marks of an axis. */
function ticks(low, high, most) {
  const rough = (high - low) / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((factor) => factor * power >= rough) * power;
  const found = [];
  for (let at = Math.ceil(low / step - 1e-9) * step; at <= high + step * 1e-9; at += step) found.push(Math.abs(at) < step / 1e6 ? 0 : at);
  return found;
}

function number(value) {
  if (value === undefined || Number.isNaN(value)) return "–";
  const size = Math.abs(value);
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : size >= 0.1 || size === 0 ? 2 : 4);
}

/** What is drawn, and which part of it is seen. */
class Chart extends Painting {
  constructor(live, canvas, told) {
    super(live, canvas, FRAME);
    this.told = told;
    this.lines = [];
    this.marks = [];
    this.most = 1000;
    this.offset = null; // the kernel's time is the page's plus this, s
    this.span = USUAL_SPAN;
    this.end = null; // the right edge while it is paused, s
    this.halted = 0; // when it was paused, s
    this.came = 0; // up to when values have come, s
    this.known = Infinity; // the same when it was paused: what came later is not shown
    this.cursor = null; // the time that is read, s
    this.units = []; // those that have an axis
  }

  setLines(lines, most) {
    this.most = most;
    this.lines = lines.map((line) => this.lines.find(({ name }) => name === line.name) ?? new Series(line));
  }

  clear() {
    for (const line of this.lines) [line.t, line.v] = [[], []];
    this.marks = [];
  }

  heard(now) {
    const offset = now - performance.now() / 1000;
    // What came soonest tells best; a machine that slept is told by a jump.
    if (this.offset === null || offset > this.offset || offset < this.offset - 1) this.offset = offset;
  }

  take({ counts, marks, now }, buffer) {
    this.heard(now);
    this.came = now;
    const numbers = new Float64Array(buffer.buffer.slice(buffer.byteOffset, buffer.byteOffset + buffer.byteLength));
    let at = 0;
    counts.forEach((count, line) => {
      this.lines[line].add(numbers.subarray(at, at + 2 * count), this.most);
      at += 2 * count;
      if (count) this.came = Math.max(this.came, numbers[at - 2]);
    });
    this.marks.push(...marks);
    if (this.marks.length > 200) this.marks.splice(0, this.marks.length - 200);
    this.ask();
  }

  now() {
    return this.offset === null ? 0 : performance.now() / 1000 + this.offset;
  }

  get paused() {
    return this.end !== null;
  }

  pause(on) {
    const [, right] = this.range();
    this.halted = this.now();
    this.known = on ? this.came : Infinity;
    this.end = on ? right : null;
    if (!on) this.cursor = null;
    this.ask();
  }

  zoom(by) {
    this.span = Math.min(SPANS.length - 1, Math.max(0, this.span + by));
    this.ask();
  }

  /** The time of the oldest value. */
  first() {
    return Math.min(...this.lines.map((line) => line.t[0] ?? Infinity), this.now());
  }

  pan(seconds) {
    if (!this.paused) this.pause(true);
    this.halted = this.now();
    this.known = this.came;
    this.end = Math.min(this.now(), Math.max(this.first() + SPANS[this.span] / 4, this.end + seconds));
    this.ask();
  }

  range() {
    // It grows from the left until there is more than can be shown.
    const right = this.paused ? this.end : Math.max(this.now(), this.first() + SPANS[this.span]);
    return [right - SPANS[this.span], right];
  }

  draw() {
    const { canvas } = this;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (!width || !height) return;
    const ratio = devicePixelRatio || 1;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    const context = canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    const colour = colourOf(this.live.root);
    const box = { left: PAD.left, right: width - PAD.right, top: PAD.top, bottom: height - PAD.bottom };
    const [from, to] = (this.shownRange = this.range());
    this.last = Math.min(to, this.paused ? this.halted : this.now());
    this.breaks = this.marks.filter(({ what, t }) => what === "lost" && t <= this.known).map(({ t }) => t);
    this.box = box;
    const x = (t) => box.left + ((t - from) / (to - from)) * (box.right - box.left);
    context.font = `11px ${getComputedStyle(this.live.root).fontFamily}`;
    this.drawMarks(context, box, x, colour);
    const scales = this.scales(from, this.last, box);
    this.drawAxes(context, box, x, from, to, scales, colour);
    context.save();
    context.beginPath();
    context.rect(box.left, box.top - 2, box.right - box.left, box.bottom - box.top + 4);
    context.clip();
    context.lineWidth = 1.8;
    context.lineJoin = "round";
    for (const line of this.lines) if (!line.hidden) this.drawLine(context, line, x, scales.get(line.unit), from, this.last);
    context.restore();
    if (this.cursor !== null) this.drawCursor(context, box, x, scales, colour);
    this.told();
    if (!this.paused && this.offset !== null && !this.live.ended) this.ask();
  }

  /** From values to heights, for each unit that is seen. */
  scales(from, to, box) {
    const scales = new Map();
    for (const line of this.lines) {
      if (line.hidden) continue;
      const scale = scales.get(line.unit) ?? { low: Infinity, high: -Infinity, colours: [] };
      scale.colours.push(line.colour);
      for (let at = Math.max(0, line.at(from)); at < line.t.length && line.t[at] <= Math.min(to, this.known); at += 1) {
        scale.low = Math.min(scale.low, line.v[at]);
        scale.high = Math.max(scale.high, line.v[at]);
      }
      scales.set(line.unit, scale);
    }
    for (const [unit, scale] of scales) {
      if (scale.low > scale.high) [scale.low, scale.high] = [0, 1];
      // What goes from 0 to 1, as tension does, is seen as a part of that; a tremble of anything is not seen as a quake.
      if (!unit && scale.low >= 0 && scale.high <= 1) [scale.low, scale.high] = [0, 1];
      const least = Math.max(Math.abs(scale.low), Math.abs(scale.high)) * 0.1 || 1;
      const [middle, room] = [(scale.low + scale.high) / 2, Math.max(scale.high - scale.low, least)];
      scale.low = middle - room * 0.58;
      scale.high = middle + room * 0.58;
      scale.y = (value) => box.bottom - ((value - scale.low) / (scale.high - scale.low)) * (box.bottom - box.top);
    }
    return scales;
  }

  drawAxes(context, box, x, from, to, scales, colour) {
    const units = [...scales.keys()];
    context.strokeStyle = colour("edge");
    context.fillStyle = colour("faint");
    context.lineWidth = 1;
    context.textBaseline = "middle";
    this.units = units.slice(0, AXES);
    this.units.forEach((unit, side) => {
      const scale = scales.get(unit);
      // In its line's colour, as far as letters can be read in it on this ground; several lines have it in the ground's ink.
      const ink = colour("ink");
      const own = scale.colours.length === 1 ? `color-mix(in srgb, ${scale.colours[0]} 65%, ${ink})` : ink;
      this.drawUnit(context, box, side, unit || "no unit", scale.colours, own);
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
        context.fillText(String(Number(value.toPrecision(6))), side ? box.right + 5 : box.left - 5, y);
      }
    });
    context.fillStyle = colour("faint");
    context.textAlign = "center";
    context.textBaseline = "top";
    for (const t of ticks(from, to, Math.max(2, (box.right - box.left) / 90))) {
      const words = `${Number(t.toFixed(2))} s`;
      if (t >= 0) context.fillText(words, x(t), box.bottom + 6);
    }
    context.strokeRect(box.left + 0.5, box.top + 0.5, box.right - box.left, box.bottom - box.top);
  }

  /** Above its axis: a stroke in the colour of each line that it is of, and the unit. */
  drawUnit(context, box, side, unit, colours, own) {
    const [stroke, gap] = [10, 3];
    const words = context.measureText(unit).width;
    const width = colours.length * (stroke + gap) + words;
    let left = side ? Math.min(box.right + 5, box.right + PAD.right - 2 - width) : 2;
    const y = box.top - 14;
    for (const each of colours) {
      context.fillStyle = each;
      context.fillRect(left, y - 2, stroke, 4);
      left += stroke + gap;
    }
    context.fillStyle = own;
    context.textAlign = "left";
    context.fillText(unit, left, y);
  }

  drawLine(context, line, x, scale, from, to) {
    const begin = Math.max(0, line.at(from));
    context.strokeStyle = line.colour;
    context.beginPath();
    let any = false;
    let at = begin;
    for (; at < line.t.length && line.t[at] <= Math.min(to, this.known); at += 1) {
      const [px, py] = [x(line.t[at]), scale.y(line.v[at])];
      // Nothing is known of the time without a connection.
      if (any && !this.isBroken(line.t[at - 1], line.t[at])) context.lineTo(px, py);
      else context.moveTo(px, py);
      any = true;
    }
    if (any && line.t[at] <= this.known && !this.isBroken(line.t[at - 1], line.t[at])) context.lineTo(x(line.t[at]), scale.y(line.v[at]));
    // A state holds until it changes.
    else if (any && line.holds && !this.isBroken(line.t[at - 1], to)) context.lineTo(x(to), scale.y(line.v[at - 1]));
    context.stroke();
  }

  isBroken(from, to) {
    return this.breaks.some((t) => from <= t && t < to);
  }

  /** Where the connection was lost, and where the loop stood still. */
  drawMarks(context, box, x, colour) {
    let lost = null;
    const taken = []; // the right ends of the words in each row
    const band = (begin, end, name, words) => {
      const [left, right] = [Math.max(box.left, x(begin)), Math.min(box.right, Math.max(x(end), x(begin) + 2))];
      if (right <= box.left || left >= box.right) return;
      context.fillStyle = colour(name);
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
    for (const mark of this.marks.filter(({ t }) => t <= Math.min(this.last, this.known))) {
      if (mark.what === "stall") band(mark.t, mark.t + mark.seconds, "wait", mark.words);
      else if (mark.what === "lost") lost ??= mark;
      else if (lost) {
        band(lost.t, mark.t, "bad", "no connection");
        lost = null;
      }
    }
    if (lost) band(lost.t, this.last, "bad", "no connection");
  }

  drawCursor(context, box, x, scales, colour) {
    const px = x(this.cursor);
    if (px < box.left - 1 || px > box.right + 1) return;
    context.strokeStyle = colour("faint");
    context.lineWidth = 1;
    context.beginPath();
    context.moveTo(px, box.top);
    context.lineTo(px, box.bottom);
    context.stroke();
    for (const line of this.lines) {
      const at = line.at(Math.min(this.cursor, this.known));
      if (line.hidden || at < 0) continue;
      context.fillStyle = line.colour;
      context.beginPath();
      context.arc(px, scales.get(line.unit).y(line.v[at]), 3, 0, 2 * Math.PI);
      context.fill();
    }
  }

  /** The value of a line at the time that is read, or its last one. */
  value(line) {
    return line.v[line.at(Math.min(this.cursor ?? this.end ?? Infinity, this.known))];
  }
}

function render({ model, el }) {
  const live = new Live({ model, el }, "mbot-chart");
  live.name = "Chart of robot";
  live.addFrame();
  const legend = make("div", live.root, { className: "mbot-chart-legend" });
  const canvas = make("canvas", live.root, { tabIndex: 0 });
  canvas.setAttribute("role", "img");
  const adding = make("form", live.root, { className: "mbot-chart-tools" });
  const pickId = `mbot-add-${live.id}`;
  make("label", adding, { htmlFor: pickId, textContent: "Add a line" });
  const pick = make("select", adding, { id: pickId });
  const add = button(adding, "Add", "Add the chosen line", () => {});
  add.type = "submit";
  adding.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!pick.value) return;
    live.send({ kind: "add", name: pick.value });
    live.expectAnswer();
  });
  // What is offered grows with the events that are heard.
  for (const kind of ["pointerenter", "focus"]) pick.addEventListener(kind, () => live.send({ kind: "offers" }));
  const writeOffers = (groups) => {
    const drawn = chart.lines.map(({ name }) => name);
    const offered = JSON.stringify([groups, drawn]);
    if (offered === pick.dataset.offered) return;
    const chosen = pick.value;
    pick.dataset.offered = offered;
    pick.replaceChildren();
    for (const [title, names] of groups) {
      const group = make("optgroup", pick, { label: title });
      for (const name of names) if (!drawn.includes(name)) group.append(new Option(name, name));
      if (!group.childElementCount) group.remove();
    }
    if ([...pick.options].some(({ value }) => value === chosen)) pick.value = chosen;
  };
  const tools = make("div", live.root, { className: "mbot-chart-tools" });
  const pause = button(tools, "Pause", "Pause the chart", () => setPaused(!chart.paused));
  button(tools, "Zoom in", "Show a shorter time", () => chart.zoom(-1));
  button(tools, "Zoom out", "Show a longer time", () => chart.zoom(1));
  const words = live.field("readout", make("span", tools, { className: "mbot-chart-words" }));
  make("div", live.root, {
    className: "mbot-small",
    textContent: "Point at the chart to read it; in the chart, arrow keys read, + and - zoom, P pauses. A name hides its line.",
  });
  live.addSaid();
  const entries = [];

  const chart = new Chart(live, canvas, () => {
    chart.lines.forEach((line, at) => {
      if (!entries[at]) return;
      const value = chart.value(line);
      const text = `${number(value)}${line.unit && value !== undefined ? ` ${line.unit}` : ""}`;
      if (entries[at].value.textContent !== text) entries[at].value.textContent = text;
      entries[at].axis.hidden = line.hidden || chart.units.includes(line.unit);
    });
    const shown = chart.cursor ?? (chart.paused ? chart.end : null);
    const text = shown === null ? `the last ${SPANS[chart.span]} s` : `at ${shown.toFixed(2)} s`;
    if (words.textContent !== text) words.textContent = text;
  });

  const setPaused = (on) => {
    chart.pause(on);
    pause.textContent = on ? "Go on" : "Pause";
    pause.setAttribute("aria-label", on ? "Let the chart go on" : "Pause the chart");
  };
  const writeLegend = () => {
    if (entries.length === chart.lines.length && entries.every(({ line }, at) => line === chart.lines[at])) return;
    legend.replaceChildren();
    entries.length = 0;
    for (const line of chart.lines) {
      const item = make("span", legend, { className: "mbot-chart-entry" });
      const entry = button(item, "", `Show or hide ${line.name}`, () => {
        line.hidden = !line.hidden;
        entry.setAttribute("aria-pressed", String(!line.hidden));
        chart.ask();
      }, "mbot-button mbot-chart-line");
      entry.setAttribute("aria-pressed", String(!line.hidden));
      const swatch = make("span", entry, { className: "mbot-chart-swatch" });
      swatch.style.background = line.colour;
      make("span", entry, { textContent: line.name, className: "mbot-chart-name" });
      const value = live.field(line.name, make("span", entry, { className: "mbot-chart-value", textContent: "–" }));
      const axis = make("span", entry, { className: "mbot-chart-axis", textContent: "no axis", hidden: true });
      button(item, "×", `Take ${line.name} away`, () => {
        live.send({ kind: "take", name: line.name });
        live.expectAnswer();
      }, "mbot-button mbot-chart-away");
      entries.push({ line, value, axis });
    }
    const names = chart.lines.map((line) => line.name).join(", ");
    canvas.setAttribute("aria-label", names ? `A chart over time of ${names}` : "A chart without lines");
  };

  const timeAt = (event) => {
    const { left } = canvas.getBoundingClientRect();
    const [from, to] = chart.shownRange;
    const part = (event.clientX - left - chart.box.left) / (chart.box.right - chart.box.left);
    return from + Math.min(1, Math.max(0, part)) * (to - from);
  };
  let dragged = null;
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || !chart.box) return;
    dragged = event.clientX;
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!chart.box) return;
    if (dragged !== null && Math.abs(event.clientX - dragged) > 2) {
      const perPixel = SPANS[chart.span] / (chart.box.right - chart.box.left);
      if (!chart.paused) setPaused(true);
      chart.pan((dragged - event.clientX) * perPixel);
      dragged = event.clientX;
    }
    chart.cursor = timeAt(event);
    chart.ask();
  });
  canvas.addEventListener("lostpointercapture", () => {
    dragged = null;
  });
  canvas.addEventListener("pointerleave", () => {
    chart.cursor = null;
    chart.ask();
  });
  canvas.addEventListener(
    "wheel",
    (event) => {
      // Who scrolls the page goes on doing so; with Ctrl, or in a chart that was chosen, it zooms.
      if (!event.ctrlKey && document.activeElement !== canvas) return;
      event.preventDefault();
      chart.zoom(event.deltaY > 0 ? 1 : -1);
    },
    { passive: false },
  );
  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const step = (SPANS[chart.span] / 100) * (event.shiftKey ? 10 : 1);
    if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
      if (!chart.paused) setPaused(true);
      const before = chart.cursor ?? chart.end;
      const wanted = before + (event.key === "ArrowLeft" ? -step : step);
      chart.cursor = Math.min(chart.now(), Math.max(chart.first(), wanted));
      const [from, to] = chart.range();
      if (chart.cursor < from) chart.pan(chart.cursor - from);
      if (chart.cursor > to) chart.pan(chart.cursor - to);
      live.say(chart.lines.map((line) => `${line.name} ${number(chart.value(line))}`).join(", "));
    } else if (event.key === "+" || event.key === "-") {
      chart.zoom(event.key === "+" ? -1 : 1);
    } else if (event.key === "p" || event.key === "P" || (event.key === "Escape" && chart.paused)) {
      setPaused(event.key !== "Escape" && !chart.paused);
    } else {
      return;
    }
    event.preventDefault();
    chart.ask();
  });

  live.take = (values) => {
    if (values.lines) {
      chart.setLines(values.lines, values.points);
      writeLegend();
      writeOffers(values.offers);
      pick.disabled = add.disabled = live.ended || values.lines.length >= values.most;
    }
    chart.ask();
  };
  live.hear = (content, buffers) => {
    if (content.kind === "anew") {
      chart.clear();
      chart.heard(content.now);
    } else if (content.kind === "offers") {
      writeOffers(content.offers);
    } else if (content.kind === "points") {
      chart.take(content, buffers[0]);
    }
  };
  live.seen = () => chart.ask();
  live.painted = () => chart.ask();
  live.start();
  return () => {
    live.end();
    chart.stop();
  };
}

export default { render };
