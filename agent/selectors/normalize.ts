import { SELECTOR_FIELDS } from "../../bus/types/fields.ts";
import { nearest } from "../../bus/nearest.ts";
import { ACTIONS, type Hook, HOOKS, MODES, type Operator, type Predicate } from "../../bus/types/selector.ts";
import { type Network, parseNetwork } from "./address.ts";
import { SelectorError } from "./errors.ts";
import { type NumberOperand, OPERAND, type SetOperand, TEXT_OFFSET, type TextOperand } from "./operands.ts";
import type { ActiveSelector, HookAbility } from "./types.ts";

export const HOOK_NUMBER: Readonly<Record<Hook, number>> = { process_exec: 0, network_connect: 1, file_open: 2 };
/** enum denial_action, which is also the order of strength. */
export const ACTION_NUMBER = { post: 0, noPost: 1, signal: 2, deny: 3, kill: 4 } as const;
export const MODE_NUMBER = { monitor: 0, enforce: 1 } as const;

const MAX_TEXT_BYTES = 255;
const DEFAULT_RECORDS_PER_SECOND = 100;
const NANOSECONDS = 1_000_000_000;

/** One predicate on one operand of the tables. */
export type Condition =
  | { operand: TextOperand; negative: boolean; texts: string[] }
  | { operand: NumberOperand; negative: boolean; ranges: [number, number][] }
  | { operand: typeof OPERAND.daddr; negative: boolean; networks: Network[] }
  | { operand: SetOperand; negative: false; member: string };

/** A selector as the compiler and the oracle take it: checked, its scope resolved to members of marked sets. */
export interface NormalSelector {
  source: ActiveSelector;
  hook: Hook;
  action: number;
  mode: number;
  priority: number;
  deadline: bigint | null;
  /** Nanoseconds between two denial records once the allowance of a second is used up. */
  interval: bigint;
  conditions: Condition[];
}

/** Members that a process or its cgroup must be of; see ScopeSets. */
export interface ScopeMembers {
  cgroups: string[];
  tree: string | null;
}

/**
 * Checks a selector and takes it apart.
 * @throws SelectorError naming the part, what was wrong, and what is allowed.
 */
export function normalize(
  source: ActiveSelector,
  abilities: readonly HookAbility[],
  members: ScopeMembers,
): NormalSelector {
  const { selector } = source;
  if (!HOOKS.includes(selector.hook))
    throw new SelectorError("hook", `hook: ${show(selector.hook)} is unknown; allowed: ${HOOKS.join(", ")}`);
  if (!ACTIONS.includes(selector.action))
    throw new SelectorError("action", `action: ${show(selector.action)} is unknown; allowed: ${ACTIONS.join(", ")}`);
  if (!MODES.includes(selector.mode))
    throw new SelectorError("mode", `mode: ${show(selector.mode)} is unknown; allowed: ${MODES.join(", ")}`);
  checkAbility(source, abilities);
  const priority = selector.priority ?? 0;
  if (!Number.isInteger(priority) || Math.abs(priority) > 0x7fff_ffff)
    throw new SelectorError("priority", `priority: ${show(priority)} is not a whole number of 32 bits`);
  const conditions = (selector.match ?? []).map((predicate, index) => condition(selector.hook, predicate, index));
  for (const member of members.cgroups) conditions.push({ operand: OPERAND.cgroup, negative: false, member });
  if (members.tree !== null) conditions.push({ operand: OPERAND.tree, negative: false, member: members.tree });
  return {
    source,
    hook: selector.hook,
    action: ACTION_NUMBER[selector.action],
    mode: MODE_NUMBER[selector.mode],
    priority,
    deadline: source.deadline,
    interval: recordInterval(selector.rate),
    conditions,
  };
}

function checkAbility({ selector }: ActiveSelector, abilities: readonly HookAbility[]): void {
  const { hook, action } = selector;
  if (action === "post" || action === "noPost")
    throw new SelectorError(
      "action",
      `action: ${action} does nothing at ${hook}, whose events are not filtered in the kernel yet; allowed: deny, kill, signal`,
    );
  const ability = abilities.find((one) => one.hook === hook);
  if (ability === undefined) throw new SelectorError("hook", `hook: ${hook} is not attached on this kernel`);
  if (!ability.actions.includes(action))
    throw new SelectorError(
      "hook",
      `action: ${action} is not possible at ${hook} by ${ability.rung} on this kernel; possible: ${ability.actions.join(", ") || "none"}`,
    );
}

function recordInterval(rate: number | null | undefined): bigint {
  const perSecond = rate ?? DEFAULT_RECORDS_PER_SECOND;
  if (typeof perSecond !== "number" || !(perSecond > 0) || perSecond > 1e6)
    throw new SelectorError("rate", `rate: ${show(rate)} is not a number of records per second above 0, up to 1000000`);
  return BigInt(Math.ceil(NANOSECONDS / perSecond));
}

function condition(hook: Hook, predicate: Predicate, index: number): Condition {
  const name = predicate.field === "process.parent.binary" ? "parent.binary" : predicate.field;
  const field = Object.hasOwn(SELECTOR_FIELDS, name) ? SELECTOR_FIELDS[name]! : undefined;
  const at = `match[${index}] ${show(predicate.field)}`;
  if (field === undefined) {
    const known = Object.keys(SELECTOR_FIELDS);
    const near = nearest(predicate.field, known);
    throw new SelectorError(
      "field",
      `${at}: unknown field${near === null ? "" : ` (did you mean ${near}?)`}; allowed: ${known.join(", ")}`,
    );
  }
  if (!field.hooks.includes(hook))
    throw new SelectorError("field", `${at}: not known at ${hook}; allowed there: ${fieldsOf(hook).join(", ")}`);
  const operators: Operator[] = field.operators.filter((op) => op !== "mask");
  if (!operators.includes(predicate.op))
    throw new SelectorError(
      "operator",
      `${at}: operator ${show(predicate.op)} is not possible; allowed: ${operators.join(", ")}`,
    );
  if (!Array.isArray(predicate.values) || predicate.values.length === 0)
    throw new SelectorError("value", `${at}: values must be a list of at least one value`);
  const negative = predicate.op.startsWith("not");
  switch (name) {
    case "process.binary":
      return textCondition(OPERAND.binary, predicate, negative, at);
    case "parent.binary":
      return textCondition(OPERAND.parent, predicate, negative, at);
    case "process.uid":
      return numberCondition(OPERAND.uid, 0xffff_ffff, predicate, negative, at);
    case "socket.dport":
      return numberCondition(OPERAND.dport, 0xffff, predicate, negative, at);
    case "socket.daddr":
      return {
        operand: OPERAND.daddr,
        negative,
        networks: predicate.values.map((value) => network(value, predicate.op, at)),
      };
    default:
      throw new SelectorError("field", `${at}: this agent cannot match it; allowed: ${fieldsOf(hook).join(", ")}`);
  }
}

function textCondition(
  base: typeof OPERAND.binary | typeof OPERAND.parent,
  predicate: Predicate,
  negative: boolean,
  at: string,
): Condition {
  const offset = TEXT_OFFSET[predicate.op] ?? 0;
  const texts = predicate.values.map((value) => {
    if (typeof value !== "string" || value === "" || value.includes("\0"))
      throw new SelectorError("value", `${at}: ${show(value)} is not a path; allowed: non-empty strings`);
    if (Buffer.byteLength(value) > MAX_TEXT_BYTES)
      throw new SelectorError("value", `${at}: ${show(value)} is longer than ${MAX_TEXT_BYTES} bytes`);
    if (offset !== 2 && !value.startsWith("/"))
      throw new SelectorError(
        "value",
        `${at}: ${show(value)} is not an absolute path and would never match; allowed: paths that begin with "/", or op suffix`,
      );
    return value;
  });
  return { operand: (base + offset) as TextOperand, negative, texts };
}

function numberCondition(
  operand: NumberOperand,
  most: number,
  predicate: Predicate,
  negative: boolean,
  at: string,
): Condition {
  const isRange = predicate.op === "range" || predicate.op === "notRange";
  const whole = (value: unknown): value is number =>
    typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= most;
  const ranges = predicate.values.map((value): [number, number] => {
    if (!isRange && whole(value)) return [value, value];
    if (isRange && Array.isArray(value) && value.length === 2 && value.every(whole) && value[0] <= value[1])
      return [value[0], value[1]];
    const allowed = isRange ? `pairs [low, high] of whole numbers` : "whole numbers";
    throw new SelectorError("value", `${at}: ${show(value)} is not possible; allowed: ${allowed} from 0 to ${most}`);
  });
  return { operand, negative, ranges };
}

function network(value: unknown, op: Operator, at: string): Network {
  const needsLength = op === "cidr" || op === "notCidr";
  const parsed = typeof value === "string" ? parseNetwork(value) : undefined;
  if (parsed === undefined || (!needsLength && (value as string).includes("/"))) {
    const allowed = needsLength ? `"address/length", IPv4 or IPv6` : "IPv4 or IPv6 addresses";
    throw new SelectorError("value", `${at}: ${show(value)} is not possible; allowed: ${allowed}`);
  }
  return parsed;
}

function fieldsOf(hook: Hook): string[] {
  return Object.entries(SELECTOR_FIELDS).flatMap(([name, field]) => (field.hooks.includes(hook) ? [name] : []));
}

function show(value: unknown): string {
  return JSON.stringify(value) ?? String(value);
}
