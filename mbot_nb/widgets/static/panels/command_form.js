// The form of one command.

/** @import { LiveView } from "../live/live_view.js" */

import { button, make } from "../live/dom.js";
import { CommandField } from "./command_field.js";
import { codeLine, submitButton } from "./fields.js";
import { pythonArguments } from "./python_code.js";

/** One command. */
export class CommandForm {
  /** @param {Values} spec @param {Element} parent @param {LiveView} live */
  constructor(spec, parent, live) {
    this.spec = spec;
    this.live = live;
    this.form = make("form", parent, {
      className: "mbot-form",
      hidden: true,
      "aria-label": spec.name,
      "data-command": spec.name,
    });
    make("p", this.form, { textContent: spec.help, className: "mbot-help" });
    const grid = make("div", this.form, { className: "mbot-fields" });
    /** @type {CommandField[]} */
    this.fields = spec.fields.map(
      (/** @type {Values} */ field) => new CommandField(field, grid, () => this.writeCode()),
    );
    const row = make("div", this.form, { className: "mbot-row" });
    submitButton(
      this.form,
      row,
      "Send",
      `Send ${spec.name} and wait for its answer`,
      () => this.submit(false),
      "mbot-button mbot-primary",
    );
    if (spec.queued) {
      button(row, "Queue", `Queue ${spec.name} into the batch`, () => this.submit(true));
      const times = make("label", row, { className: "mbot-times", textContent: "× " });
      this.times = make("input", times, {
        type: "number",
        min: 1,
        max: 100,
        step: 1,
        value: 1,
        "aria-label": `How many times to queue ${spec.name}`,
      });
      this.times.addEventListener("input", () => this.writeCode());
    }
    this.cancel = button(row, "Cancel", `Do not wait for ${spec.name} any more`, () =>
      live.send({ kind: "cancel", form: spec.name }),
    );
    this.cancel.hidden = true;
    this.answer = make("div", this.form, { className: "mbot-answer", role: "status" });
    this.code = codeLine(this.form, "the code that sends it");
    if (spec.queued) this.queueCode = codeLine(this.form, "the code that queues it");
    this.writeCode();
  }

  /** What is filled in, ready for the method of this name. */
  params() {
    /** @type {Values} */
    const given = {};
    for (const field of this.fields) {
      const value = field.read();
      if (value === undefined) continue;
      if (field.spec.spread) Object.assign(given, value);
      else given[field.spec.name] = value;
    }
    return given;
  }

  writeCode() {
    const params = this.params();
    const words = pythonArguments(params);
    this.code.textContent = `await bot.${this.spec.name}(${words})`;
    if (!this.queueCode) return;
    const line = `bot.send(${[JSON.stringify(this.spec.name), words].filter(Boolean).join(", ")})`;
    const times = Number(this.times?.value) || 1;
    this.queueCode.textContent = times > 1 ? `for _ in range(${times}):\n    ${line}` : line;
  }

  /** @param {boolean} queued */
  submit(queued) {
    const params = this.params();
    if (!this.form.reportValidity()) return;
    this.live.ask({
      kind: "do",
      form: this.spec.name,
      params,
      queued,
      times: queued ? Number(this.times?.value) || 1 : 1,
      at: this.live.clock.now(),
    });
    this.showAnswer({ state: "asked", text: queued ? "Queueing …" : "Sending …" });
  }

  /** @param {Values} given */
  showAnswer({ state, text }) {
    this.answer.textContent = text;
    this.answer.dataset.state = state;
    this.cancel.hidden = state !== "running";
  }
}
