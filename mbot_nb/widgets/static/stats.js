// The page's side of the statistics: a table of what goes over the wire, and round trips.

import { button, make } from "./live/dom.js";
import { LiveView } from "./live/live_view.js";
import { progressBar } from "./panels/fields.js";

const FLOWS = [
  ["messages", "messages_in", "messages_out"],
  ["frames", "frames_in", "frames_out"],
  ["bytes", "bytes_in", "bytes_out"],
];

const COUNTS = {
  waiting: "commands waiting",
  connections: "connections made",
  gaps: "gaps in the events",
  duplicates: "duplicates dropped",
  malformed: "malformed messages",
};

/**
 * @param {number | null | undefined} value
 * @param {number} [digits]
 */
function number(value, digits = 0) {
  return value === null || value === undefined
    ? "–"
    : value.toLocaleString("en", { maximumFractionDigits: digits, minimumFractionDigits: digits });
}

/**
 * @param {Element} parent
 * @param {string} words
 */
function row(parent, words) {
  const line = make("tr", parent);
  make("th", line, { textContent: words }).scope = "row";
  return line;
}

/** @param {View} view */
function render(view) {
  const live = new LiveView(view, "mbot-panel mbot-stats");
  live.name = "Statistics of";
  live.addFrame();
  const { root } = live;
  const tables = make("div", root, { className: "mbot-tables" });

  const flow = make("table", tables);
  make("caption", flow, { textContent: "Over the wire, and a second" });
  const head = make("tr", make("thead", flow));
  make("td", head);
  for (const words of ["in", "/s", "out", "/s"])
    make("th", head, { textContent: words }).scope = "col";
  const body = make("tbody", flow);
  /** @type {Record<string, any>} */
  const cells = {};
  for (const [words, come, go] of FLOWS) {
    const line = row(body, words);
    for (const name of [come, go]) cells[name] = [make("td", line), make("td", line)];
  }
  const perFrame = row(body, "messages in a frame");
  make("td", perFrame, { colSpan: 2 });
  cells.per_frame = live.field("per_frame", make("td", perFrame));

  const trips = make("table", tables);
  make("caption", trips, { textContent: "Round trips and the loop" });
  const tripBody = make("tbody", trips);
  /** @type {Record<string, HTMLElement>} */
  const fields = {};
  for (const [name, words] of [
    ["last", "last"],
    ["median", "median (p50)"],
    ["p99", "99 of 100 within (p99)"],
    ["n", "measured"],
    ["lag", "loop blocked at most"],
  ]) {
    fields[name] = live.field(name, make("td", row(tripBody, words)));
  }

  const counts = make("table", tables);
  make("caption", counts, { textContent: "What went wrong, or waits" });
  const countBody = make("tbody", counts);
  for (const [name, words] of Object.entries(COUNTS))
    fields[name] = live.field(name, make("td", row(countBody, words)));

  const work = make("div", root, { className: "mbot-row" });
  const measure = button(work, "Measure 100 round trips", "Measure 100 round trips", () =>
    live.send({ kind: "measure" }),
  );
  const bar = progressBar(work, "Round trips measured");
  const cancel = button(work, "Cancel", "End the measurement", () => live.send({ kind: "cancel" }));
  cancel.hidden = true;
  live.addStatus();

  live.onValues = (values) => {
    for (const [name, [count, rate]] of Object.entries(values.flow ?? {})) {
      cells[name][0].textContent = number(count);
      cells[name][1].textContent = number(rate, 1);
    }
    if ("per_frame" in values) cells.per_frame.textContent = number(values.per_frame, 2);
    for (const [name, count] of Object.entries(values.counts ?? {}))
      fields[name].textContent = number(count);
    if (values.trips) {
      fields.n.textContent = number(values.trips.n);
      for (const name of ["last", "median", "p99"])
        fields[name].textContent = values.trips.n ? `${number(values.trips[name], 2)} ms` : "–";
    }
    if ("lag" in values) {
      fields.lag.textContent = values.lag
        ? `${number(values.lag.longest, 1)} ms in ${values.lag.over} s`
        : "–";
    }
    if ("measured" in values) {
      const running = values.measured !== null;
      bar.hidden = cancel.hidden = !running;
      measure.disabled = running || live.ended;
      if (running) bar.value = values.measured / live.values.pings;
    }
  };
  live.start();
  return () => live.end();
}

export default { render };
