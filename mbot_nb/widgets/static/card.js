// The live card's page side: words, and a picture that glides from one pose to the next.

import { make } from "./live/dom.js";
import { LiveView } from "./live/live_view.js";
import { CardPicture } from "./scene/card_picture.js";
import { poseWords } from "./scene/geometry.js";

/**
 * The elements of one view.
 * @param {LiveView} live
 */
function build(live) {
  const canvas = make("canvas", live.root, { role: "img" });
  const side = make("div", live.root, { className: "mbot-card-side mbot-column" });
  live.addConnection(side);
  const list = make("dl", side);
  /** @type {Record<string, HTMLElement> & { canvas: HTMLCanvasElement }} */
  const view = { canvas };
  for (const name of ["mode", "tension", "position", "heading", "latency"]) {
    make("dt", list, { textContent: name });
    view[name] = make("dd", list, { textContent: "–", "data-field": name });
  }
  live.addStop(side);
  live.addStatus(side);
  live.addStopMessages(side);
  return view;
}

/**
 * Write the words of the values that are given.
 * @param {Record<string, HTMLElement>} view
 * @param {Values} values
 */
function write(view, values) {
  if ("mode" in values) view.mode.textContent = values.mode ?? "–";
  if ("tension" in values) {
    view.tension.replaceChildren();
    if (values.tension === null) {
      view.tension.textContent = "–";
    } else {
      const bar = make("span", view.tension, {
        className: "mbot-card-tension",
        "aria-hidden": "true",
      });
      bar.style.setProperty("--tension", `${values.tension * 100}%`);
      view.tension.append(values.tension.toFixed(2));
    }
  }
  if ("pose" in values) {
    const pose = values.pose;
    view.position.textContent = pose
      ? `x ${pose[0].toFixed(1)} cm, y ${pose[1].toFixed(1)} cm`
      : "unknown";
    view.heading.textContent = pose ? `${Math.round(pose[2]) % 360}°` : "–";
    view.canvas.setAttribute(
      "aria-label",
      pose ? `The arena from above: ${poseWords(pose)}` : "The robot does not know where it is",
    );
  }
  if ("latency" in values)
    view.latency.textContent = values.latency === null ? "–" : `${values.latency.toFixed(2)} ms`;
}

/** @param {View} given */
function render(given) {
  const live = new LiveView(given, "mbot-card");
  const view = build(live);
  const picture = new CardPicture(live, view.canvas);
  live.onValues = (values) => {
    write(view, values);
    picture.update(values);
  };
  return live.start();
}

export default { render };
