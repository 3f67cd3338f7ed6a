// How full the batch is, and how long its window still runs.

import { make } from "../live/dom.js";

/** @type {Record<string, string>} */
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
export class BatchMeter {
  /** @param {Element} parent */
  constructor(parent) {
    const box = make("div", parent, { className: "mbot-meter" });
    this.slots = make("div", box, {
      className: "mbot-slots",
      role: "meter",
      "aria-label": "Commands in the batch",
      "aria-valuemin": "0",
    });
    this.bar = make("div", make("div", box, { className: "mbot-window", "aria-hidden": "true" }));
    this.words = make("div", box, { className: "mbot-small", "data-field": "batch" });
  }

  /** @param {Values} batch */
  update(batch) {
    if (this.slots.childElementCount !== Math.min(batch.size, 40)) {
      this.slots.replaceChildren();
      for (let at = 0; at < Math.min(batch.size, 40); at += 1) make("span", this.slots);
    }
    [...this.slots.querySelectorAll("span")].forEach((slot, at) => {
      slot.dataset.full = String(at < batch.queued);
    });
    this.slots.setAttribute("aria-valuemax", batch.size);
    this.slots.setAttribute("aria-valuenow", batch.queued);
    const running = batch.leaves_in !== null && batch.window > 0;
    for (const animation of this.bar.getAnimations()) animation.cancel();
    if (running) {
      const from = 1 - batch.leaves_in / batch.window;
      this.bar.animate([{ width: `${from * 100}%` }, { width: "100%" }], {
        duration: batch.leaves_in * 1000,
        fill: "forwards",
      });
    }
    const how = `${batch.queued} of ${batch.size} in the batch, window ${batch.window} s.`;
    const commands = `${batch.last_messages} command${batch.last_messages === 1 ? "" : "s"}`;
    const reason = REASONS[batch.last_reason] ?? batch.last_reason;
    const last = batch.frames
      ? ` Frame ${batch.frames}: ${commands}, ${batch.last_bytes} bytes, left ${reason}.`
      : "";
    this.words.textContent = how + last;
  }
}
