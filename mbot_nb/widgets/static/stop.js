// The Stop button's page side: the shared Stop, large.

function render({ model, el }) {
  const live = new Live({ model, el }, "mbot-stopper");
  live.name = "Stop of robot";
  if (model.get("snapshot").framed) {
    const words = make("div", live.root, { className: "mbot-head-words" });
    live.addConnection(words);
  } else {
    live.root.dataset.bare = "true";
  }
  live.addStop(live.root);
  const below = make("div", live.root, { className: "mbot-stopper-words" });
  live.addSaid(below);
  live.addStopWords(below);
  live.start();
  return () => live.end();
}

export default { render };
