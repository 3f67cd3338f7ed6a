// The addresses of earlier connections, which the browser keeps.

const STORAGE_KEY = "mbot_nb.addresses";
const MAX_ADDRESSES = 8;

/**
 * The addresses of earlier connections, newest first; a page that may not remember remembers
 * none.
 */
export function recentAddresses() {
  try {
    const found = JSON.parse(localStorage.getItem(STORAGE_KEY) ?? "[]");
    return Array.isArray(found) ? found.filter((one) => typeof one === "string") : [];
  } catch {
    return [];
  }
}

/** @param {string} address */
export function rememberAddress(address) {
  try {
    const all = [address, ...recentAddresses().filter((one) => one !== address)];
    localStorage.setItem(STORAGE_KEY, JSON.stringify(all.slice(0, MAX_ADDRESSES)));
  } catch {
    // Then the next page does not know it.
  }
}
