// The Stop button's page side: the shared Stop, large.

import { make } from "./live/dom.js";
import { LiveView } from "./live/live_view.js";

/** @param {View} view */
function render(view) {
  const live = new LiveView(view, "mbot-stopper mbot-column", "Stop of robot");
  if (live.framed) live.addConnection(make("div", live.root, { className: "mbot-head-words" }));
  live.addStop(live.root);
  const below = make("div", live.root, { className: "mbot-stopper-words" });
  live.addStatus(below);
  live.addStopMessages(below);
  return live.start();
}

export default { render };
