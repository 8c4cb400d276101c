import type { Builtins } from "./builtin.ts";

const DECIMAL: Record<string, number> = { "": 1, k: 1e3, m: 1e6, g: 1e9, t: 1e12, p: 1e15, e: 1e18 };
const BINARY: Record<string, number> = { ki: 2 ** 10, mi: 2 ** 20, gi: 2 ** 30, ti: 2 ** 40, pi: 2 ** 50, ei: 2 ** 60 };

/** Versions, units, ranges, and what compares whole values. */
export const NUMBERS: Builtins = {
  "semver.is_valid": (text) => typeof text === "string" && parseSemver(text) !== null,
  "semver.compare": (a, b) => {
    const left = typeof a === "string" ? parseSemver(a) : null;
    const right = typeof b === "string" ? parseSemver(b) : null;
    return left === null || right === null ? undefined : compareSemver(left, right);
  },

  // "m" is milli here and "M" is mega, as in Kubernetes; in bytes both are mega.
  "units.parse": (text) => {
    const found = amount(text, /^([+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?)([a-z]*)$/i);
    if (found === null) return undefined;
    if (found.unit === "m") return found.value / 1000;
    const factor = DECIMAL[found.unit.toLowerCase()] ?? BINARY[found.unit.toLowerCase()];
    return factor === undefined ? undefined : found.value * factor;
  },
  "units.parse_bytes": (text) => {
    const found = amount(text, /^(\d+(?:\.\d+)?(?:e[+-]?\d+)?)([a-z]*)$/i);
    const unit = found?.unit.toLowerCase().replace(/b$/, "") ?? "";
    const factor = DECIMAL[unit] ?? BINARY[unit];
    return found === null || factor === undefined ? undefined : Math.trunc(found.value * factor);
  },

  "numbers.range_step": (from, to, step) => {
    if (typeof from !== "number" || typeof to !== "number" || typeof step !== "number" || step <= 0) return undefined;
    if (Math.abs(to - from) / step > 1e6) return undefined;
    const numbers: number[] = [];
    if (from <= to) for (let n = from; n <= to; n += step) numbers.push(n);
    else for (let n = from; n >= to; n -= step) numbers.push(n);
    return numbers;
  },

  "object.subset": (whole, part) => isSubset(whole, part),
};

interface Semver {
  core: number[];
  pre: string[];
}

function parseSemver(text: string): Semver | null {
  const form = /^v?(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-([\w.-]+))?(?:\+[\w.-]+)?$/.exec(text);
  return form === null ? null : { core: form.slice(1, 4).map(Number), pre: form[4]?.split(".") ?? [] };
}

function compareSemver(a: Semver, b: Semver): number {
  for (let i = 0; i < 3; i++) if (a.core[i] !== b.core[i]) return Math.sign(a.core[i]! - b.core[i]!);
  if (a.pre.length === 0 || b.pre.length === 0) return Math.sign(b.pre.length - a.pre.length);
  for (let i = 0; i < Math.max(a.pre.length, b.pre.length); i++) {
    const [left, right] = [a.pre[i], b.pre[i]];
    if (left === undefined || right === undefined) return left === undefined ? -1 : 1;
    if (left === right) continue;
    const [leftIsNumber, rightIsNumber] = [/^\d+$/.test(left), /^\d+$/.test(right)];
    if (leftIsNumber && rightIsNumber) return Math.sign(Number(left) - Number(right));
    if (leftIsNumber !== rightIsNumber) return leftIsNumber ? -1 : 1;
    return left < right ? -1 : 1;
  }
  return 0;
}

function amount(text: unknown, form: RegExp): { value: number; unit: string } | null {
  const found = typeof text === "string" ? form.exec(text.replaceAll('"', "").trim()) : null;
  return found === null ? null : { value: Number(found[1]), unit: found[2]! };
}

function isSubset(whole: unknown, part: unknown): boolean {
  if (Array.isArray(whole) && Array.isArray(part)) {
    return part.every((item) => whole.some((other) => JSON.stringify(other) === JSON.stringify(item)));
  }
  if (!isObject(whole) || !isObject(part)) return JSON.stringify(whole) === JSON.stringify(part);
  return Object.entries(part).every(
    ([key, value]) =>
      key in whole &&
      (isObject(value) ? isSubset(whole[key], value) : JSON.stringify(whole[key]) === JSON.stringify(value)),
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
