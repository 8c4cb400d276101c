import type { Ast } from "../lint/jsonata-ast.ts";
import { calledName } from "../lint/jsonata-ast.ts";
import type { Lists } from "../model/lists.ts";
import { RULE_FUNCTIONS } from "./jsonata-functions.ts";

/** Says what a part of an expression has for a value, or that this cannot be told without JSONata. */
type Part = (event: unknown) => unknown;

const UNKNOWN = Symbol("unknown");
const unknown: Part = () => UNKNOWN;

/**
 * A test that tells at once that a condition does not hold: of events almost none meets a rule, and the interpreter costs
 * as much as everything else that is done with one. It knows names of fields, constants, lists, the rule functions, `=`,
 * `!=`, `in`, `and`, `or` and `$not`, over single values; of anything else, such as a field that holds an array, it says
 * nothing. True: JSONata would find that it does not hold, and would not fail either. False: JSONata has to say.
 */
export function surelyFalse(condition: Ast, lists: Lists): (event: unknown) => boolean {
  const part = partOf(condition, lists);
  return (event) => truth(part(event)) === false;
}

function partOf(node: Ast, lists: Lists): Part {
  if (node.predicate !== undefined || node.group !== undefined || node.stages !== undefined) return unknown;
  if (node.type === "string" || node.type === "number" || node.type === "value") return () => node.value;
  if (node.type === "block" && node.expressions?.length === 1) return partOf(node.expressions[0]!, lists);
  if (node.type === "path") return pathOf(node, lists);
  if (node.type === "unary" && node.value === "[") return arrayOf(node.expressions ?? [], lists);
  if (node.type === "binary") return binaryOf(node, lists);
  const name = calledName(node);
  const [first, second, ...more] = (node.arguments ?? []).map((argument) => partOf(argument, lists));
  if (node.type !== "function" || name === null || first === undefined || more.length > 0) return unknown;
  if (name === "not" && second === undefined) {
    // of a field that is not there $not says nothing, which is no truth either
    return (event) => {
      const value = first(event);
      return value === undefined ? undefined : negated(truth(value));
    };
  }
  const call = Object.hasOwn(RULE_FUNCTIONS, name) ? RULE_FUNCTIONS[name] : undefined;
  if (call === undefined || second === undefined) return unknown;
  return (event) => {
    const [value, of] = [first(event), second(event)];
    return value === UNKNOWN || of === UNKNOWN ? UNKNOWN : call(value, of);
  };
}

/** `process.binary`, or `$lists.shells`. */
function pathOf(node: Ast, lists: Lists): Part {
  if (Object.keys(node).some((key) => !["type", "steps", "position"].includes(key))) return unknown;
  const steps = node.steps ?? [];
  if (steps.some((step) => Object.keys(step).some((key) => !["type", "value", "position"].includes(key))))
    return unknown;
  const names = steps.map((step) => String(step.value));
  const [first, ...rest] = steps;
  if (rest.some((step) => step.type !== "name")) return unknown;
  if (first?.type === "variable" && first.value === "lists" && names.length === 2) {
    const list = Object.hasOwn(lists, names[1]!) ? (lists[names[1]!] as unknown) : undefined;
    const plain = Array.isArray(list) && list.length > 0 && list.every((item) => typeof item === "string");
    return plain ? () => list : unknown;
  }
  return first?.type === "name" ? (event) => fieldOf(event, names) : unknown;
}

function fieldOf(event: unknown, names: readonly string[]): unknown {
  let value = event;
  for (const name of names) {
    if (typeof value !== "object" || value === null) return value === undefined ? undefined : UNKNOWN;
    if (Array.isArray(value)) return UNKNOWN;
    if (!Object.hasOwn(value, name)) return name in value ? UNKNOWN : undefined;
    value = (value as Record<string, unknown>)[name];
  }
  return typeof value === "object" && value !== null ? UNKNOWN : value;
}

/** `[process.binary, process.script]`: single values; those that are not there are not in it. */
function arrayOf(expressions: readonly Ast[], lists: Lists): Part {
  const parts = expressions.map((expression) => partOf(expression, lists));
  return (event) => {
    const items: unknown[] = [];
    for (const part of parts) {
      const item = part(event);
      if (item === UNKNOWN || Array.isArray(item)) return UNKNOWN;
      if (item !== undefined) items.push(item);
    }
    return items;
  };
}

function binaryOf(node: Ast, lists: Lists): Part {
  if (node.lhs === undefined || Array.isArray(node.lhs) || node.rhs === undefined) return unknown;
  const [left, right] = [partOf(node.lhs, lists), partOf(node.rhs, lists)];
  // JSONata does not look at the right side when the left one decides.
  if (node.value === "and" || node.value === "or") {
    const decides = node.value === "or";
    return (event) => {
      const value = truth(left(event));
      return value === UNKNOWN || value === decides ? value : truth(right(event));
    };
  }
  const compare = COMPARE[String(node.value)];
  if (compare === undefined) return unknown;
  return (event) => {
    const [a, b] = [left(event), right(event)];
    if (a === UNKNOWN || b === UNKNOWN || Array.isArray(a)) return UNKNOWN;
    return a === undefined || b === undefined ? false : compare(a, b);
  };
}

const COMPARE: Record<string, (a: unknown, b: unknown) => unknown> = {
  "=": (a, b) => (Array.isArray(b) ? UNKNOWN : a === b),
  "!=": (a, b) => (Array.isArray(b) ? UNKNOWN : a !== b),
  in: (a, b) => (Array.isArray(b) ? b.includes(a) : a === b),
};

function truth(value: unknown): boolean | typeof UNKNOWN {
  return value === UNKNOWN || Array.isArray(value) ? UNKNOWN : Boolean(value);
}

function negated(value: boolean | typeof UNKNOWN): boolean | typeof UNKNOWN {
  return value === UNKNOWN ? UNKNOWN : !value;
}
