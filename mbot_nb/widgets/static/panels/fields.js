// Fields with their labels, and what else the panels' forms are made of.

import { button, make } from "../live/dom.js";

let counted = 0;

/**
 * A name that no other element of the page has.
 * @param {string} name
 */
export function uniqueId(name) {
  counted += 1;
  return `mbot-${name}-${counted}-${Math.random().toString(36).slice(2, 6)}`;
}

/**
 * A label, and what it labels.
 * @template {HTMLElement} T
 * @param {Element} parent
 * @param {string} words
 * @param {T} element
 * @returns {T}
 */
export function labelled(parent, words, element) {
  element.id = uniqueId("field");
  make("label", parent, { textContent: words, className: "mbot-label", htmlFor: element.id });
  parent.append(element);
  return element;
}

/**
 * A tick with its words behind it.
 * @param {Element} parent
 * @param {string} words
 * @param {boolean} checked
 * @param {(checked: boolean) => void} action
 */
export function checkbox(parent, words, checked, action) {
  const label = make("label", parent, { className: "mbot-tick" });
  const box = make("input", label, { type: "checkbox", checked });
  label.append(` ${words}`);
  box.addEventListener("change", () => action(box.checked));
  return box;
}

/**
 * Copy a text, also where a page may not use the clipboard by itself.
 * @param {string} text
 */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = make("textarea", document.body, { value: text });
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}

/**
 * A line of code, and a button that copies it.
 * @param {Element} parent
 * @param {string} label
 */
export function codeLine(parent, label) {
  const row = make("div", parent, { className: "mbot-code" });
  const code = make("code", row, {
    tabIndex: 0,
    role: "textbox",
    "aria-readonly": "true",
    "aria-label": label,
  });
  const copied = button(row, "Copy", `Copy: ${label}`, async () => {
    await copy(code.textContent);
    copied.textContent = "Copied";
    setTimeout(() => (copied.textContent = "Copy"), 1500);
  });
  return code;
}

/**
 * A form's main button. The form is sent by it, and by Enter, which JupyterLab otherwise keeps for
 * itself.
 * @param {HTMLFormElement} form
 * @param {Element} parent
 * @param {string} words
 * @param {string} label
 * @param {() => void} action
 * @param {string} [className]
 */
export function submitButton(form, parent, words, label, action, className) {
  const submit = button(parent, words, label, () => {}, className);
  submit.type = "submit";
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    action();
  });
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing) return;
    if (!(event.target instanceof HTMLInputElement)) return;
    event.preventDefault();
    form.requestSubmit();
  });
  return submit;
}
