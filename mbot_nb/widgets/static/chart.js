// The live chart's page side: keeps what it got, draws what is asked to be seen. Only new values
// come, as doubles.

/** @import { Series } from "./chart/series.js" */
import { ChartPainting, SPANS } from "./chart/chart_painting.js";
import { formatNumber } from "./chart/scale.js";
import { button, make } from "./live/dom.js";
import { LiveView } from "./live/live_view.js";
import { labelled, submitButton } from "./panels/fields.js";

/** @param {View} view */
function render(view) {
  const live = new LiveView(view, "mbot-chart mbot-column", "Chart of robot");
  live.addFrame();
  const legend = make("div", live.root, { className: "mbot-row" });
  const canvas = make("canvas", live.root, { tabIndex: 0, role: "img" });
  const adding = make("form", live.root, { className: "mbot-row" });
  const pick = labelled(adding, "Add a line", make("select", adding));
  const add = submitButton(adding, adding, "Add", "Add the chosen line", () => {
    if (pick.value) live.ask({ kind: "add", name: pick.value });
  });
  // What is offered grows with the events that are heard.
  for (const kind of ["pointerenter", "focus"])
    pick.addEventListener(kind, () => live.send({ kind: "offers" }));
  const writeOffers = (/** @type {[string, string[]][]} */ groups) => {
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
  const tools = make("div", live.root, { className: "mbot-row" });
  const pause = button(tools, "Pause", "Pause the chart", () => setPaused(!chart.paused));
  button(tools, "Zoom in", "Show a shorter time", () => chart.zoom(-1));
  button(tools, "Zoom out", "Show a longer time", () => chart.zoom(1));
  const words = make("span", tools, { className: "mbot-chart-words", "data-field": "readout" });
  make("div", live.root, {
    className: "mbot-small",
    textContent:
      "Point at the chart to read it; in the chart, arrow keys read, + and - zoom, P " +
      "pauses. A name hides its line.",
  });
  live.addStatus();
  /** @type {{ line: Series, value: HTMLElement, axis: HTMLElement }[]} */
  const entries = [];

  const chart = new ChartPainting(live, canvas, () => {
    chart.lines.forEach((line, at) => {
      if (!entries[at]) return;
      const value = chart.value(line);
      const unit = line.unit && value !== undefined ? ` ${line.unit}` : "";
      const text = `${formatNumber(value)}${unit}`;
      if (entries[at].value.textContent !== text) entries[at].value.textContent = text;
      entries[at].axis.hidden = line.hidden || chart.units.includes(line.unit);
    });
    const shown = chart.cursor ?? (chart.paused ? chart.end : null);
    const text = shown === null ? `the last ${SPANS[chart.span]} s` : `at ${shown.toFixed(2)} s`;
    if (words.textContent !== text) words.textContent = text;
  });

  const setPaused = (/** @type {boolean} */ on) => {
    chart.pause(on);
    pause.textContent = on ? "Go on" : "Pause";
    pause.setAttribute("aria-label", on ? "Let the chart go on" : "Pause the chart");
  };
  const writeLegend = () => {
    if (
      entries.length === chart.lines.length &&
      entries.every(({ line }, at) => line === chart.lines[at])
    )
      return;
    legend.replaceChildren();
    entries.length = 0;
    for (const line of chart.lines) {
      const item = make("span", legend, { className: "mbot-chart-entry" });
      const entry = button(
        item,
        "",
        `Show or hide ${line.name}`,
        () => {
          line.hidden = !line.hidden;
          entry.setAttribute("aria-pressed", String(!line.hidden));
          chart.requestDraw();
        },
        "mbot-button mbot-chart-line",
      );
      entry.setAttribute("aria-pressed", String(!line.hidden));
      const swatch = make("span", entry, { className: "mbot-chart-swatch" });
      swatch.style.background = line.color;
      make("span", entry, { textContent: line.name, className: "mbot-chart-name" });
      const value = make("span", entry, {
        className: "mbot-chart-value",
        textContent: "–",
        "data-field": line.name,
      });
      const axis = make("span", entry, {
        className: "mbot-chart-axis",
        textContent: "no axis",
        hidden: true,
      });
      button(
        item,
        "×",
        `Take ${line.name} away`,
        () => live.ask({ kind: "remove", name: line.name }),
        "mbot-button mbot-chart-remove",
      );
      entries.push({ line, value, axis });
    }
    const names = chart.lines.map((line) => line.name).join(", ");
    canvas.setAttribute(
      "aria-label",
      names ? `A chart over time of ${names}` : "A chart without lines",
    );
  };

  const timeAt = (/** @type {PointerEvent} */ event) => {
    const { left } = canvas.getBoundingClientRect();
    const [from, to] = chart.shownRange;
    const part = (event.clientX - left - chart.box.left) / (chart.box.right - chart.box.left);
    return from + Math.min(1, Math.max(0, part)) * (to - from);
  };
  /** @type {number | null} */
  let dragged = null;
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || !chart.drawn) return;
    dragged = event.clientX;
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!chart.drawn) return;
    if (dragged !== null && Math.abs(event.clientX - dragged) > 2) {
      const perPixel = SPANS[chart.span] / (chart.box.right - chart.box.left);
      if (!chart.paused) setPaused(true);
      chart.pan((dragged - event.clientX) * perPixel);
      dragged = event.clientX;
    }
    chart.cursor = timeAt(event);
    chart.requestDraw();
  });
  canvas.addEventListener("lostpointercapture", () => {
    dragged = null;
  });
  canvas.addEventListener("pointerleave", () => {
    chart.cursor = null;
    chart.requestDraw();
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
      const before = chart.cursor ?? chart.end ?? 0;
      const wanted = before + (event.key === "ArrowLeft" ? -step : step);
      chart.cursor = Math.min(chart.now(), Math.max(chart.first(), wanted));
      const [from, to] = chart.range();
      if (chart.cursor < from) chart.pan(chart.cursor - from);
      if (chart.cursor > to) chart.pan(chart.cursor - to);
      live.showStatus(
        chart.lines.map((line) => `${line.name} ${formatNumber(chart.value(line))}`).join(", "),
      );
    } else if (event.key === "+" || event.key === "-") {
      chart.zoom(event.key === "+" ? -1 : 1);
    } else if (event.key === "p" || event.key === "P" || (event.key === "Escape" && chart.paused)) {
      setPaused(event.key !== "Escape" && !chart.paused);
    } else {
      return;
    }
    event.preventDefault();
    chart.requestDraw();
  });

  live.onValues = (values) => {
    if (values.lines) {
      chart.setLines(values.lines, values.points);
      writeLegend();
      writeOffers(values.offers);
      pick.disabled = add.disabled = live.ended || values.lines.length >= values.max_lines;
    }
    chart.requestDraw();
  };
  live.onMessage = (content, buffers) => {
    if (content.kind === "anew") {
      chart.clear();
      chart.onTime(content.now);
    } else if (content.kind === "offers") {
      writeOffers(content.offers);
    } else if (content.kind === "points") {
      chart.addPoints(content, buffers[0]);
    }
  };
  return live.start();
}

export default { render };
