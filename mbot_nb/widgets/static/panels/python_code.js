// Values and calls as Python writes them.

/**
 * A value as Python writes it.
 * @param {unknown} value
 * @returns {string}
 */
function pythonValue(value) {
  if (value === null || value === undefined) return "None";
  if (value === true) return "True";
  if (value === false) return "False";
  if (typeof value === "string") return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(pythonValue).join(", ")}]`;
  if (typeof value === "object") {
    return `{${Object.entries(value)
      .map(([key, item]) => `${JSON.stringify(key)}: ${pythonValue(item)}`)
      .join(", ")}}`;
  }
  return String(value);
}

/**
 * The arguments of a call as Python writes them.
 * @param {Record<string, unknown>} given
 */
export function pythonArguments(given) {
  const plain = Object.entries(given).filter(([key]) => /^[A-Za-z_]\w*$/.test(key));
  const odd = Object.entries(given).filter(([key]) => !/^[A-Za-z_]\w*$/.test(key));
  const words = plain.map(([key, value]) => `${key}=${pythonValue(value)}`);
  if (odd.length) words.push(`**${pythonValue(Object.fromEntries(odd))}`);
  return words.join(", ");
}
