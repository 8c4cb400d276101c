import type { Ast } from "../lint/jsonata-ast.ts";
import { calledName } from "../lint/jsonata-ast.ts";
import type { Lists } from "../model/lists.ts";
import { RULE_FUNCTIONS } from "./jsonata-functions.ts";
import { KNOWN_FUNCTIONS } from "./jsonata-known-functions.ts";
import { MATCHED, truth, UNKNOWN } from "./jsonata-known-value.ts";

/** Says what a part of an expression has for a value, or that this cannot be told without JSONata. */
export type Part = (event: unknown) => unknown;

const unknown: Part = () => UNKNOWN;
const missing: Part = () => undefined;

/** So many names a block may bind. */
const BOUND_MAX = 6;

/** What parts of an expression are made in: the lists, and names that blocks have bound. */
interface Scope {
  lists: Lists;
  names: ReadonlyMap<string, Part>;
}

/**
 * Evaluates an expression without the interpreter, which costs as much as everything else that is done with an event. It
 * knows names of fields, constants, lists, the rule functions, the usual ones of JSONata, comparisons, `and`, `or`, `?:` and
 * blocks, over single values; of anything else, such as a field that holds an array or an error of types, it says UNKNOWN,
 * and JSONata has to say. What it says JSONata says too.
 */
export function knownValue(expression: Ast, lists: Lists): Part {
  return partOf(expression, { lists, names: new Map() });
}

function partOf(node: Ast, scope: Scope): Part {
  if ((node.predicate ?? node.group ?? node.stages ?? node.keepArray) !== undefined) return unknown;
  switch (node.type) {
    case "string":
    case "number":
    case "value":
      return () => node.value;
    case "block":
      return blockOf(node, scope);
    case "path":
      return pathOf(node, scope);
    case "variable":
      return scope.names.get(String(node.value)) ?? unknown;
    case "unary":
      return node.value === "[" ? arrayOf(node.expressions ?? [], scope) : unknown;
    case "binary":
      return binaryOf(node, scope);
    case "condition":
      return conditionOf(node, scope);
    case "function":
      return callOf(node, scope);
    default:
      return unknown;
  }
}

/** A block evaluates all that it binds, also what it does not use. */
function blockOf(node: Ast, scope: Scope): Part {
  const names = new Map(scope.names);
  const bound: Part[] = [];
  const expressions = node.expressions ?? [];
  for (const [n, expression] of expressions.entries()) {
    if (expression.type === "bind" && expression.rhs !== undefined && n < expressions.length - 1) {
      const part = partOf(expression.rhs, { ...scope, names });
      names.set(String((expression.lhs as Ast).value), part);
      bound.push(part);
    } else if (n < expressions.length - 1 || expression.type === "bind") return unknown;
  }
  const last = expressions.at(-1);
  if (last === undefined) return unknown;
  const result = partOf(last, { ...scope, names });
  if (bound.length === 0) return result;
  // Each use of a name evaluates it anew.
  if (bound.length > BOUND_MAX) return unknown;
  return (event) => (bound.some((part) => part(event) === UNKNOWN) ? UNKNOWN : result(event));
}

/** `process.binary`, or `$lists.shells`. */
function pathOf(node: Ast, scope: Scope): Part {
  if (Object.keys(node).some((key) => !["type", "steps", "position"].includes(key))) return unknown;
  const steps = node.steps ?? [];
  if (steps.some((step) => Object.keys(step).some((key) => !["type", "value", "position"].includes(key))))
    return unknown;
  const names = steps.map((step) => String(step.value));
  const [first, ...rest] = steps;
  if (rest.some((step) => step.type !== "name")) return unknown;
  if (first?.type === "variable" && first.value === "lists" && names.length === 2 && !scope.names.has("lists")) {
    const list = Object.hasOwn(scope.lists, names[1]!) ? (scope.lists[names[1]!] as unknown) : undefined;
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
function arrayOf(expressions: readonly Ast[], scope: Scope): Part {
  const parts = expressions.map((expression) => partOf(expression, scope));
  return (event) => {
    const items: unknown[] = [];
    for (const part of parts) {
      const item = part(event);
      if (item === UNKNOWN || item === MATCHED || Array.isArray(item)) return UNKNOWN;
      if (item !== undefined) items.push(item);
    }
    return items;
  };
}

function binaryOf(node: Ast, scope: Scope): Part {
  if (node.lhs === undefined || Array.isArray(node.lhs) || node.rhs === undefined) return unknown;
  const [left, right] = [partOf(node.lhs, scope), partOf(node.rhs, scope)];
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
    return isOpaque(a) || isOpaque(b) || Array.isArray(a) ? UNKNOWN : compare(a, b);
  };
}

const either = (a: unknown, b: unknown): boolean => a === undefined || b === undefined;

const COMPARE: Record<string, (a: unknown, b: unknown) => unknown> = {
  "=": (a, b) => (either(a, b) ? false : Array.isArray(b) ? UNKNOWN : a === b),
  "!=": (a, b) => (either(a, b) ? false : Array.isArray(b) ? UNKNOWN : a !== b),
  in: (a, b) => (either(a, b) ? false : Array.isArray(b) ? b.includes(a) : a === b),
  "<": (a, b) => ordered(a, b, (a, b) => a < b),
  "<=": (a, b) => ordered(a, b, (a, b) => a <= b),
  ">": (a, b) => ordered(a, b, (a, b) => a > b),
  ">=": (a, b) => ordered(a, b, (a, b) => a >= b),
};

/** Numbers or texts; a missing side makes it missing, anything else is an error. */
function ordered(a: unknown, b: unknown, compare: (a: number, b: number) => boolean): unknown {
  const comparable = [a, b].every((it) => it === undefined || typeof it === "number" || typeof it === "string");
  if (!comparable) return UNKNOWN;
  if (either(a, b)) return undefined;
  return typeof a === typeof b ? compare(a as number, b as number) : UNKNOWN;
}

function conditionOf(node: Ast, scope: Scope): Part {
  if (node.condition === undefined || node.then === undefined) return unknown;
  const [condition, then] = [partOf(node.condition, scope), partOf(node.then, scope)];
  const otherwise = node.else === undefined ? missing : partOf(node.else, scope);
  return (event) => {
    const holds = truth(condition(event));
    return holds === UNKNOWN ? UNKNOWN : holds ? then(event) : otherwise(event);
  };
}

function callOf(node: Ast, scope: Scope): Part {
  const name = calledName(node);
  const given = node.arguments ?? [];
  if (name === null || scope.names.has(name)) return unknown;
  const regex = given[1]?.type === "regex" ? (given[1].value as RegExp) : null;
  const parts = given.map((argument, n) => (n === 1 && regex !== null ? missing : partOf(argument, scope)));
  const [first, second, third] = parts;
  if (first === undefined) return unknown;
  const known = KNOWN_FUNCTIONS[`${name}/${parts.length}`];
  if (known !== undefined) {
    return (event) => {
      const values = [first(event), second?.(event), third?.(event)] as const;
      return values.includes(UNKNOWN) ? UNKNOWN : known(values, regex);
    };
  }
  const call = Object.hasOwn(RULE_FUNCTIONS, name) ? RULE_FUNCTIONS[name] : undefined;
  if (call === undefined || second === undefined || parts.length > 2 || regex !== null) return unknown;
  return (event) => {
    const [value, of] = [first(event), second(event)];
    return isOpaque(value) || isOpaque(of) ? UNKNOWN : call(value, of);
  };
}

function isOpaque(value: unknown): boolean {
  return value === UNKNOWN || value === MATCHED;
}
