// Elements of a page.

/**
 * A new element. Of its properties `role` and those with a dash are set as attributes.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Element} parent
 * @param {Values} [properties]
 * @returns {HTMLElementTagNameMap[T]}
 */
export function make(tag, parent, properties = {}) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "role" || name.includes("-")) element.setAttribute(name, value);
    else Object.assign(element, { [name]: value });
  }
  parent.append(element);
  return element;
}

/**
 * A button with words, and what it is for to who cannot see it.
 * @param {Element} parent
 * @param {string} words
 * @param {string} label
 * @param {(event: MouseEvent) => void} action
 * @param {string} [className]
 */
export function button(parent, words, label, action, className = "mbot-button") {
  const element = make("button", parent, {
    type: "button",
    textContent: words,
    className,
    "aria-label": label,
  });
  element.addEventListener("click", action);
  return element;
}

/**
 * JupyterLab leaves the keys in here to the widget: Enter and Space press its buttons, letters
 * choose. It asks whom they go to.
 * @param {HTMLElement} root
 */
export function keepKeys(root) {
  root.setAttribute("data-lm-suppress-shortcuts", "true");
  root.addEventListener("focusin", ({ target }) => {
    if (target instanceof Element) target.setAttribute("data-lm-suppress-shortcuts", "true");
  });
}

/**
 * A colour of the page as it is now.
 * @param {HTMLElement} element
 * @returns {(name: string) => string}
 */
export function colorOf(element) {
  const style = getComputedStyle(element);
  return (name) => style.getPropertyValue(`--mbot-${name}`).trim();
}
