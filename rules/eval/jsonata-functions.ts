import { isIP } from "node:net";
import type jsonata from "jsonata";
import { cidrContains } from "../../bus/formula/cidr.ts";

/**
 * Functions that rules have beyond JSONata's own. They are total: false where an argument is missing or of another type, so
 * that `$not($startsWith(process.cwd, "/srv"))` means what it says. Where one takes a text it
 * also takes a list of them, and holds when it holds for any.
 */
export const RULE_FUNCTIONS: Record<string, (value: unknown, of: unknown) => boolean> = {
  startsWith: (value, of) => texts(value).some((text) => texts(of).some((start) => text.startsWith(start))),
  endsWith: (value, of) => texts(value).some((text) => texts(of).some((end) => text.endsWith(end))),
  cidr: (value, of) =>
    texts(value).some(
      (address) => isIP(address) !== 0 && texts(of).some((range) => cidrContains(range, address) === true),
    ),
};

/** Makes the rule functions known to an expression. */
export function registerRuleFunctions(expression: jsonata.Expression): void {
  for (const [name, implementation] of Object.entries(RULE_FUNCTIONS))
    expression.registerFunction(name, implementation);
}

function texts(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}
