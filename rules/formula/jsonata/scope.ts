import { constant, guardOf } from "./symbol.ts";
import type { Scope, Symbolic } from "./symbol.ts";

export function lookUp(scope: Scope, name: string): Symbolic | undefined {
  for (let at: Scope | null = scope; at !== null; at = at.above) {
    const found = at.names.get(name);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** One step of a path by name. */
export function child(of: Symbolic, name: string): Symbolic {
  if (of.type === "field") return { ...of, path: [...of.path, name] };
  if (of.type === "choice") {
    return { type: "choice", options: of.options.map(({ when, is }) => ({ when, is: child(is, name) })) };
  }
  if (of.type === "constant" && typeof of.value === "object" && of.value !== null && !Array.isArray(of.value)) {
    const value = Object.hasOwn(of.value, name) ? (of.value as Record<string, unknown>)[name] : undefined;
    return constant(value);
  }
  return { type: "unknown", guard: guardOf(of) };
}
