// The Stop button's page side: the shared Stop, large.

import { make } from "./live/dom.js";
import { LiveView } from "./live/live_view.js";

/** @param {View} given */
function render({ model, el }) {
  const live = new LiveView({ model, el }, "mbot-stopper");
  live.name = "Stop of robot";
  if (model.get("snapshot").framed) {
    const words = make("div", live.root, { className: "mbot-head-words" });
    live.addConnection(words);
  } else {
    live.root.dataset.bare = "true";
  }
  live.addStop(live.root);
  const below = make("div", live.root, { className: "mbot-stopper-words" });
  live.addStatus(below);
  live.addStopMessages(below);
  live.start();
  return () => live.end();
}

export default { render };
