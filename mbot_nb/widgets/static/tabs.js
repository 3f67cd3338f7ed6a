// The cockpit's tabs: each shows one page of it, and hides the others.

import { keepKeys, make } from "./live/dom.js";

/** @param {View} given */
function render({ model, el }) {
  const bar = make("div", el, {
    className: "mbot mbot-tabs",
    role: "tablist",
    "aria-label": "Pages of the cockpit",
    "data-bare": "true",
  });
  keepKeys(bar);
  /** @type {string[]} */
  const titles = model.get("titles");
  const name = Math.random().toString(36).slice(2);
  const pageOf = (/** @type {number} */ at) =>
    el.closest(".mbot-cockpit-right")?.querySelector(`.mbot-page-${at}`);

  const tabs = titles.map((title, at) => {
    const tab = make("button", bar, {
      type: "button",
      textContent: title,
      id: `mbot-tab-${name}-${at}`,
      role: "tab",
    });
    tab.addEventListener("click", () => choose(at));
    return tab;
  });
  const choose = (/** @type {number} */ chosen, focus = false) => {
    tabs.forEach((tab, at) => {
      tab.setAttribute("aria-selected", String(at === chosen));
      tab.tabIndex = at === chosen ? 0 : -1;
      const page = pageOf(at);
      if (!page) return;
      page.id ||= `mbot-page-${name}-${at}`;
      page.setAttribute("role", "tabpanel");
      page.setAttribute("aria-labelledby", tab.id);
      page.classList.toggle("mbot-page-hidden", at !== chosen);
      tab.setAttribute("aria-controls", page.id);
    });
    if (focus) tabs[chosen].focus();
  };
  bar.addEventListener("keydown", (event) => {
    const at = tabs.indexOf(/** @type {HTMLButtonElement} */ (document.activeElement));
    const to = {
      ArrowRight: at + 1,
      ArrowLeft: at - 1 + tabs.length,
      Home: 0,
      End: tabs.length - 1,
    }[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    choose(to % tabs.length, true);
  });
  // The pages come after the tabs.
  let left = 100;
  const begin = () => {
    left -= 1;
    if (titles.every((_, at) => pageOf(at))) choose(0);
    else if (left > 0) setTimeout(begin, 50);
  };
  choose(0);
  begin();
}

export default { render };
