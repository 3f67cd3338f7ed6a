// One parameter of a command.

import { make } from "../live/dom.js";
import { uniqueId } from "./fields.js";

/**
 * How finely a slider moves over its range.
 * @param {Values} given
 */
function stepOf({ kind, low, high }) {
  if (kind === "whole") return 1;
  const range = high - low;
  return range <= 1 ? 0.01 : range <= 10 ? 0.05 : 1;
}

/** One parameter. `read` returns its value. */
export class CommandField {
  /** @param {Values} spec @param {Element} parent @param {() => void} changed */
  constructor(spec, parent, changed) {
    this.spec = spec;
    this.id = uniqueId(spec.name);
    const words = spec.name.replaceAll("_", " ");
    const label = make("label", parent, {
      className: "mbot-label",
      htmlFor: this.id,
      textContent: words,
    });
    if (spec.help) make("small", label, { textContent: ` ${spec.help}` });
    const cell = make("div", parent, { className: "mbot-field" });
    this.slider = /** @type {HTMLInputElement | null} */ (null);
    this.input = this.build(cell, words);
    this.input.id = this.id;
    this.input.name = spec.name;
    this.input.required = spec.required && spec.kind !== "text";
    this.input.addEventListener("input", () => {
      this.input.setCustomValidity("");
      if (this.slider) this.slider.value = this.input.value || String(this.middle());
      changed();
    });
    const { slider } = this;
    slider?.addEventListener("input", () => {
      this.input.value = slider.value;
      changed();
    });
  }

  /** @param {Element} cell @param {string} words */
  build(cell, words) {
    if (this.spec.kind === "choice") return this.choice(cell);
    if (this.spec.kind === "text") return this.text(cell);
    if (this.spec.kind === "data")
      return make("textarea", cell, { rows: 2, spellcheck: false, placeholder: "not given" });
    return this.number(cell, words);
  }

  /** @param {Element} cell @param {string} words */
  number(cell, words) {
    const { low, high, default: first, required } = this.spec;
    if (low !== undefined && high !== undefined) {
      this.slider = make("input", cell, {
        type: "range",
        min: low,
        max: high,
        step: stepOf(this.spec),
        "aria-label": `${words}, slider`,
      });
      this.slider.value = first ?? this.middle();
    }
    const input = make("input", cell, {
      type: "number",
      step: this.spec.kind === "whole" ? 1 : "any",
      value: first ?? "",
    });
    if (low !== undefined) input.min = low;
    if (high !== undefined) input.max = high;
    if (!required && (first ?? null) === null) input.placeholder = "not given";
    return input;
  }

  /** @param {Element} cell */
  choice(cell) {
    const input = make("select", cell);
    if (!this.spec.required) make("option", input, { value: "", textContent: "not given" });
    for (const choice of this.spec.choices)
      make("option", input, { value: choice, textContent: choice });
    if (this.spec.default) input.value = this.spec.default;
    return input;
  }

  /** @param {Element} cell */
  text(cell) {
    const input = make("input", cell, { type: "text", value: this.spec.default ?? "" });
    if (this.spec.max_length) input.maxLength = this.spec.max_length;
    if (!this.spec.required) input.placeholder = "not given";
    return input;
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
      if (this.spec.spread && (value === null || typeof value !== "object" || Array.isArray(value)))
        throw new Error("no object");
      this.input.setCustomValidity("");
      return value;
    } catch {
      this.input.setCustomValidity(`This is written as ${this.spec.help}, with double quotes.`);
      return undefined;
    }
  }
}
