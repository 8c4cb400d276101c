/** Versions as `[major, minor, patch]`. */

/**
 * The first `x.y.z` in a tool's answer ("Version: 1.22.2", "nats-server: v2.15.2"), or undefined.
 * @param {string} text
 * @returns {[number, number, number] | undefined}
 */
export function parseVersion(text) {
  const found = /(?<![\d.])v?(\d+)\.(\d+)\.(\d+)/.exec(text);
  return found ? [Number(found[1]), Number(found[2]), Number(found[3])] : undefined;
}

/**
 * Whether a version that is there serves in place of the pinned one: the same major version, and not older.
 * @param {string} there
 * @param {string} pinned
 */
export function serves(there, pinned) {
  const a = parseVersion(there);
  const b = parseVersion(pinned);
  if (!a || !b || a[0] !== b[0]) return false;
  return a[1] !== b[1] ? a[1] > b[1] : a[2] >= b[2];
}
