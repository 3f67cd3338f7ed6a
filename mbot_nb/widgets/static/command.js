// The page's side of the command panel: one form per command, the code that does the same, and
// the batch that fills.

import { make } from "./live/dom.js";
import { LiveView } from "./live/live_view.js";
import { BatchMeter } from "./panels/batch_meter.js";
import { CommandForm } from "./panels/command_form.js";
import { labelled } from "./panels/fields.js";

/** @param {View} view */
function render(view) {
  const live = new LiveView(view, "mbot-panel mbot-command", "Commands for");
  live.addFrame();
  const row = make("div", live.root, { className: "mbot-row" });
  const choice = labelled(row, "Command", make("select", row));
  const place = make("div", live.root);
  const meter = new BatchMeter(live.root);
  live.addStatus();
  const forms = new Map();

  const show = () => {
    for (const [name, form] of forms) form.form.hidden = name !== choice.value;
  };
  const build = (/** @type {Values[]} */ specs) => {
    const groups = new Map();
    for (const spec of specs) {
      if (!groups.has(spec.group))
        groups.set(spec.group, make("optgroup", choice, { label: spec.group }));
      make("option", groups.get(spec.group), { value: spec.name, textContent: spec.name });
      forms.set(spec.name, new CommandForm(spec, place, live));
    }
    show();
  };
  choice.addEventListener("change", show);

  live.onValues = (values) => {
    if (values.forms && !forms.size) build(values.forms);
    for (const [name, answer] of Object.entries(values.answers ?? {}))
      forms.get(name)?.showAnswer(answer);
    if (values.batch) meter.update(values.batch);
  };
  live.onMessage = (content) => {
    if (content.kind === "answer") forms.get(content.form)?.showAnswer(content);
  };
  return live.start();
}

export default { render };
