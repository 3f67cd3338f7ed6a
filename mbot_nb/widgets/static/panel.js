// What the panels have in common: fields with their labels, code to take away, and Python's way to write a value.

/** A name that no other element of the page has. */
let counted = 0;
function fresh(name) {
  counted += 1;
  return `mbot-${name}-${counted}-${Math.random().toString(36).slice(2, 6)}`;
}

/** A label, and what it labels. */
function labelled(parent, words, element, help = "") {
  const label = make("label", parent, { textContent: words, className: "mbot-label", htmlFor: element.id || (element.id = fresh("field")) });
  if (help) make("small", label, { textContent: ` ${help}` });
  parent.append(element);
  return element;
}

/** A tick with its words behind it. */
function ticked(parent, words, checked, action) {
  const label = make("label", parent, { className: "mbot-tick" });
  const box = make("input", label, { type: "checkbox", checked });
  label.append(` ${words}`);
  box.addEventListener("change", () => action(box.checked));
  return box;
}

/** Copy a text, also where a page may not use the clipboard by itself. */
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

/** A line of code, and a button that copies it. */
function codeLine(parent, label) {
  const row = make("div", parent, { className: "mbot-code" });
  const code = make("code", row, { tabIndex: 0 });
  code.setAttribute("role", "textbox");
  code.setAttribute("aria-readonly", "true");
  code.setAttribute("aria-label", label);
  const copied = button(row, "Copy", `Copy: ${label}`, async () => {
    await copy(code.textContent);
    copied.textContent = "Copied";
    setTimeout(() => (copied.textContent = "Copy"), 1500);
  });
  return code;
}

/** A value as Python writes it. */
function python(value) {
  if (value === null || value === undefined) return "None";
  if (value === true) return "True";
  if (value === false) return "False";
  if (typeof value === "string") return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(python).join(", ")}]`;
  if (typeof value === "object") {
    return `{${Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}: ${python(item)}`).join(", ")}}`;
  }
  return String(value);
}

/** The arguments of a call as Python writes them. */
function pythonArguments(given) {
  const plain = Object.entries(given).filter(([key]) => /^[A-Za-z_]\w*$/.test(key));
  const odd = Object.entries(given).filter(([key]) => !/^[A-Za-z_]\w*$/.test(key));
  const words = plain.map(([key, value]) => `${key}=${python(value)}`);
  if (odd.length) words.push(`**${python(Object.fromEntries(odd))}`);
  return words.join(", ");
}

/** A progress bar: a share from 0 to 1, or none for "nobody knows how long". */
function progressBar(parent, label) {
  const bar = make("progress", parent, { max: 1 });
  bar.setAttribute("aria-label", label);
  bar.hidden = true;
  return bar;
}

/** A form that is sent by its button and by Enter, which JupyterLab otherwise keeps for itself. */
function sending(form, action) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    action();
  });
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing || event.target.tagName !== "INPUT") return;
    event.preventDefault();
    form.requestSubmit();
  });
}
