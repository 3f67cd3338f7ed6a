// The page's side of the command panel: one form per command, the code that does the same, and the batch that fills.

/** How finely a slider moves over its range. */
function stepOf({ kind, low, high }) {
  if (kind === "whole") return 1;
  const range = high - low;
  return range <= 1 ? 0.01 : range <= 10 ? 0.05 : 1;
}

/** One parameter. `value` is what stands in it, `empty` whether nothing does. */
class Field {
  constructor(spec, parent, changed) {
    this.spec = spec;
    this.id = fresh(spec.name);
    const words = spec.name.replaceAll("_", " ");
    const label = make("label", parent, { className: "mbot-label", htmlFor: this.id, textContent: words });
    if (spec.help) make("small", label, { textContent: ` ${spec.help}` });
    const cell = make("div", parent, { className: "mbot-field" });
    const build = { choice: "choice", data: "data", text: "text" }[spec.kind] ?? "number";
    this[build](cell, words);
    this.input.id = this.id;
    this.input.name = spec.name;
    this.input.required = spec.required && spec.kind !== "text";
    this.input.addEventListener("input", () => {
      this.input.setCustomValidity("");
      if (this.slider) this.slider.value = this.input.value === "" ? this.middle() : this.input.value;
      changed();
    });
    this.slider?.addEventListener("input", () => {
      this.input.value = this.slider.value;
      changed();
    });
  }

  number(cell, words) {
    const { low, high, default: first, required } = this.spec;
    if (low !== undefined && high !== undefined) {
      this.slider = make("input", cell, { type: "range", min: low, max: high, step: stepOf(this.spec) });
      this.slider.setAttribute("aria-label", `${words}, slider`);
      this.slider.value = first ?? this.middle();
    }
    this.input = make("input", cell, { type: "number", step: this.spec.kind === "whole" ? 1 : "any", value: first ?? "" });
    if (low !== undefined) this.input.min = low;
    if (high !== undefined) this.input.max = high;
    if (!required && (first ?? null) === null) this.input.placeholder = "not given";
  }

  choice(cell) {
    this.input = make("select", cell);
    if (!this.spec.required) make("option", this.input, { value: "", textContent: "not given" });
    for (const choice of this.spec.choices) make("option", this.input, { value: choice, textContent: choice });
    if (this.spec.default) this.input.value = this.spec.default;
  }

  text(cell) {
    this.input = make("input", cell, { type: "text", value: this.spec.default ?? "" });
    if (this.spec.longest) this.input.maxLength = this.spec.longest;
    if (!this.spec.required) this.input.placeholder = "not given";
  }

  data(cell) {
    this.input = make("textarea", cell, { rows: 2, spellcheck: false, placeholder: "not given" });
  }

  middle() {
    return (this.spec.low + this.spec.high) / 2;
  }

  /** What is given, or undefined; says at the field what is wrong with it. */
  read() {
    const text = this.input.value;
    const { kind, required } = this.spec;
    if (text === "" && !(kind === "text" && required)) return undefined;
    if (kind === "number" || kind === "whole") return Number(text);
    if (kind !== "data") return text;
    try {
      const value = JSON.parse(text);
      if (this.spec.spread && (value === null || typeof value !== "object" || Array.isArray(value))) throw new Error("no object");
      this.input.setCustomValidity("");
      return value;
    } catch {
      this.input.setCustomValidity(`This is written as ${this.spec.help}, with double quotes.`);
      return undefined;
    }
  }
}

const REASONS = {
  size: "because it was full",
  window: "because its window was over",
  flush: "since somebody waited for the answer",
  urgent: "at once, ahead of everything",
  unbatched: "at once: batching is off",
  idle: "at once: the line was idle",
  bytes: "because no more bytes fitted in",
  resend: "once more, after a cut",
};

/** The batch: as many slots as it has places, and its window running out. */
class Meter {
  constructor(parent) {
    this.box = make("div", parent, { className: "mbot-meter" });
    this.slots = make("div", this.box, { className: "mbot-slots" });
    this.slots.setAttribute("role", "meter");
    this.slots.setAttribute("aria-label", "Commands in the batch");
    this.window = make("div", this.box, { className: "mbot-window" });
    this.window.setAttribute("aria-hidden", "true");
    this.bar = make("div", this.window);
    this.words = make("div", this.box, { className: "mbot-small" });
    this.words.dataset.field = "batch";
  }

  take(batch) {
    if (this.slots.childElementCount !== Math.min(batch.size, 40)) {
      this.slots.replaceChildren();
      for (let at = 0; at < Math.min(batch.size, 40); at += 1) make("span", this.slots);
    }
    [...this.slots.children].forEach((slot, at) => (slot.dataset.full = String(at < batch.queued)));
    this.slots.setAttribute("aria-valuemin", 0);
    this.slots.setAttribute("aria-valuemax", batch.size);
    this.slots.setAttribute("aria-valuenow", batch.queued);
    const running = batch.leaves_in !== null && batch.window > 0;
    for (const animation of this.bar.getAnimations()) animation.cancel();
    if (running) {
      const from = 1 - batch.leaves_in / batch.window;
      this.bar.animate([{ width: `${from * 100}%` }, { width: "100%" }], { duration: batch.leaves_in * 1000, fill: "forwards" });
    }
    const how = `${batch.queued} of ${batch.size} in the batch, window ${batch.window} s.`;
    const last = batch.frames
      ? ` Frame ${batch.frames}: ${batch.last_messages} command${batch.last_messages === 1 ? "" : "s"}, ${batch.last_bytes} bytes, left ${REASONS[batch.last_reason] ?? batch.last_reason}.`
      : "";
    this.words.textContent = how + last;
  }
}

/** One command. */
class Form {
  constructor(spec, parent, live) {
    this.spec = spec;
    this.live = live;
    this.form = make("form", parent, { className: "mbot-form", hidden: true });
    this.form.dataset.command = spec.name;
    this.form.setAttribute("aria-label", spec.name);
    make("p", this.form, { textContent: spec.help, className: "mbot-help" });
    const grid = make("div", this.form, { className: "mbot-fields" });
    this.fields = spec.fields.map((field) => new Field(field, grid, () => this.write()));
    const row = make("div", this.form, { className: "mbot-row" });
    this.send = button(row, "Send", `Send ${spec.name} and wait for its answer`, () => {}, "mbot-button mbot-primary");
    this.send.type = "submit";
    if (spec.queued) {
      this.queue = button(row, "Queue", `Queue ${spec.name} into the batch`, () => this.go(true));
      const times = make("label", row, { className: "mbot-times", textContent: "× " });
      this.times = make("input", times, { type: "number", min: 1, max: 100, step: 1, value: 1 });
      this.times.setAttribute("aria-label", `How many times to queue ${spec.name}`);
      this.times.addEventListener("input", () => this.write());
    }
    this.cancel = button(row, "Cancel", `Do not wait for ${spec.name} any more`, () => live.send({ kind: "cancel", form: spec.name }));
    this.cancel.hidden = true;
    this.answer = make("div", this.form, { className: "mbot-answer" });
    this.answer.setAttribute("role", "status");
    this.code = codeLine(this.form, "the code that sends it");
    if (spec.queued) this.queueCode = codeLine(this.form, "the code that queues it");
    sending(this.form, () => this.go(false));
    this.write();
  }

  /** What is filled in, ready for the method of this name. */
  given() {
    const given = {};
    for (const field of this.fields) {
      const value = field.read();
      if (value === undefined) continue;
      if (field.spec.spread) Object.assign(given, value);
      else given[field.spec.name] = value;
    }
    return given;
  }

  write() {
    const given = this.given();
    const words = pythonArguments(given);
    this.code.textContent = `await bot.${this.spec.name}(${words})`;
    if (!this.queueCode) return;
    const line = `bot.send(${[JSON.stringify(this.spec.name), words].filter(Boolean).join(", ")})`;
    const times = Number(this.times.value) || 1;
    this.queueCode.textContent = times > 1 ? `for _ in range(${times}):\n    ${line}` : line;
  }

  go(queued) {
    const params = this.given();
    if (!this.form.reportValidity()) return;
    this.live.send({
      kind: "do",
      form: this.spec.name,
      params,
      queued,
      times: queued ? Number(this.times.value) || 1 : 1,
      at: this.live.clock.now(),
    });
    this.tell({ state: "asked", text: queued ? "Queueing …" : "Sending …" });
    this.live.expectAnswer();
  }

  tell({ state, text }) {
    this.answer.textContent = text;
    this.answer.dataset.state = state;
    this.cancel.hidden = state !== "running";
  }
}

function render(view) {
  const live = new Live(view, "mbot-panel mbot-command");
  live.name = "Commands for";
  live.addFrame();
  const row = make("div", live.root, { className: "mbot-row" });
  const choice = labelled(row, "Command", make("select", row));
  const place = make("div", live.root);
  const meter = new Meter(live.root);
  live.addSaid();
  const forms = new Map();

  const show = () => {
    for (const [name, form] of forms) form.form.hidden = name !== choice.value;
  };
  const build = (specs) => {
    const groups = new Map();
    for (const spec of specs) {
      if (!groups.has(spec.group)) groups.set(spec.group, make("optgroup", choice, { label: spec.group }));
      make("option", groups.get(spec.group), { value: spec.name, textContent: spec.name });
      forms.set(spec.name, new Form(spec, place, live));
    }
    show();
  };
  choice.addEventListener("change", show);

  live.take = (values) => {
    if (values.forms && !forms.size) build(values.forms);
    for (const [name, answer] of Object.entries(values.answers ?? {})) forms.get(name)?.tell(answer);
    if (values.batch) meter.take(values.batch);
  };
  live.hear = (content) => {
    if (content.kind === "answer") forms.get(content.form)?.tell(content);
  };
  live.start();
  return () => live.end();
}

export default { render };
