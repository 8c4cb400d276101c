import { nearest } from "../../bus/nearest.ts";
import { describeProblems, type Problem, quote } from "../problems.ts";

/** Reads fields out of untrusted JSON and collects what is wrong with them, each with its path. */
export class Reader {
  readonly problems: Problem[] = [];

  /** Notes a problem; returns undefined so that readers can end with it. */
  wrong(field: string, message: string, allowed: string): undefined {
    this.problems.push({ field, message, allowed });
    return undefined;
  }

  /** A plain object with no other keys than `keys`: an unknown key may be a mistyped one that would narrow the scope. */
  object(field: string, value: unknown, keys: readonly string[]): Record<string, unknown> | undefined {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      return this.wrong(field === "" ? "the whole" : field, `is ${quote(value)}`, `an object of ${keys.join(", ")}`);
    }
    for (const key of Object.keys(value)) {
      if (keys.includes(key)) continue;
      const hint = nearest(key, keys);
      this.wrong(
        field === "" ? key : `${field}.${key}`,
        `is unknown${hint === null ? "" : `, did you mean ${hint}?`}`,
        keys.join(", "),
      );
    }
    return value as Record<string, unknown>;
  }

  oneOf<T extends string>(field: string, value: unknown, allowed: readonly T[]): T | undefined {
    const found = allowed.find((candidate) => candidate === value);
    if (found !== undefined) return found;
    return this.wrong(field, value === undefined ? "is missing" : `is ${quote(value)}`, allowed.join(", "));
  }

  text(field: string, value: unknown, maximum: number): string | undefined {
    if (typeof value === "string" && value !== "" && value.length <= maximum && !value.includes("\0")) return value;
    return this.wrong(field, `is ${quote(value)}`, `text of 1 to ${maximum} characters without NUL`);
  }

  boolean(field: string, value: unknown): boolean | undefined {
    if (typeof value === "boolean") return value;
    return this.wrong(field, `is ${quote(value)}`, "true, false");
  }

  integer(field: string, value: unknown, low: number, high: number): number | undefined {
    if (typeof value === "number" && Number.isInteger(value) && value >= low && value <= high) return value;
    return this.wrong(field, `is ${quote(value)}`, `a whole number from ${low} to ${high}`);
  }

  list(field: string, value: unknown, maximum: number): unknown[] | undefined {
    if (Array.isArray(value) && value.length > 0 && value.length <= maximum) return value;
    const what = Array.isArray(value) ? `has ${value.length} elements` : `is ${quote(value)}`;
    return this.wrong(field, what, `a list of 1 to ${maximum}`);
  }

  /** String values by name, as in labels. */
  labels(field: string, value: unknown): Record<string, string> | undefined {
    if (typeof value !== "object" || value === null || Array.isArray(value) || Object.keys(value).length === 0) {
      return this.wrong(field, `is ${quote(value)}`, "an object with at least one label");
    }
    const labels: Record<string, string> = {};
    for (const [name, label] of Object.entries(value)) {
      if (typeof label === "string") labels[name] = label;
      else this.wrong(`${field}.${name}`, `is ${quote(label)}`, "text");
    }
    return labels;
  }

  toString(): string {
    return describeProblems(this.problems);
  }
}

/** Sets `target[key]` only when there is a value: optional properties stay absent instead of undefined. */
export function assign<T extends object, K extends keyof T>(target: T, key: K, value: T[K] | undefined): void {
  if (value !== undefined) target[key] = value;
}
