// The page's side of the statistics: a table of what goes over the wire, and round trips.

import { button, make } from "./live/dom.js";
import { LiveView } from "./live/live_view.js";

const FLOWS = [
  ["messages", "messages_in", "messages_out"],
  ["frames", "frames_in", "frames_out"],
  ["bytes", "bytes_in", "bytes_out"],
];

const TRIPS = {
  last: "last",
  median: "median (p50)",
  p99: "99 of 100 within (p99)",
  n: "measured",
  lag: "loop blocked at most",
};

const COUNTS = {
  waiting: "commands waiting",
  connections: "connections made",
  gaps: "gaps in the events",
  duplicates: "duplicates dropped",
  malformed: "malformed messages",
};

/** @param {number | null | undefined} value @param {number} [digits] */
function number(value, digits = 0) {
  return value === null || value === undefined
    ? "–"
    : value.toLocaleString("en", { maximumFractionDigits: digits, minimumFractionDigits: digits });
}

/** @param {Element} parent @param {string} title */
function titledTable(parent, title) {
  const table = make("table", parent);
  make("caption", table, { textContent: title });
  return table;
}

/** @param {Element} parent @param {string} words */
function row(parent, words) {
  const line = make("tr", parent);
  make("th", line, { textContent: words, scope: "row" });
  return line;
}

/** @param {View} view */
function render(view) {
  const live = new LiveView(view, "mbot-panel mbot-stats", "Statistics of");
  live.addFrame();
  const { root } = live;
  const tables = make("div", root, { className: "mbot-tables" });

  const flowTable = titledTable(tables, "Over the wire, and a second");
  const head = make("tr", make("thead", flowTable));
  make("td", head);
  for (const words of ["in", "/s", "out", "/s"])
    make("th", head, { textContent: words, scope: "col" });
  const flow = make("tbody", flowTable);
  /** @type {Record<string, any>} */
  const cells = {};
  for (const [words, come, go] of FLOWS) {
    const line = row(flow, words);
    for (const name of [come, go]) cells[name] = [make("td", line), make("td", line)];
  }
  const perFrame = row(flow, "messages in a frame");
  make("td", perFrame, { colSpan: 2 });
  cells.per_frame = make("td", perFrame, { "data-field": "per_frame" });

  /** @type {Record<string, HTMLElement>} */
  const fields = {};
  const tabulate = (/** @type {string} */ title, /** @type {Record<string, string>} */ rows) => {
    const body = make("tbody", titledTable(tables, title));
    for (const [name, words] of Object.entries(rows))
      fields[name] = make("td", row(body, words), { "data-field": name });
  };
  tabulate("Round trips and the loop", TRIPS);
  tabulate("What went wrong, or waits", COUNTS);

  const work = make("div", root, { className: "mbot-row" });
  const measure = button(work, "Measure 100 round trips", "Measure 100 round trips", () =>
    live.send({ kind: "measure" }),
  );
  const bar = make("progress", work, {
    max: 1,
    hidden: true,
    "aria-label": "Round trips measured",
  });
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
        ? `${number(values.lag.max, 1)} ms in ${values.lag.window} s`
        : "–";
    }
    if ("measured" in values) {
      const running = values.measured !== null;
      bar.hidden = cancel.hidden = !running;
      measure.disabled = running || live.ended;
      if (running) bar.value = values.measured / live.values.pings;
    }
  };
  return live.start();
}

export default { render };
