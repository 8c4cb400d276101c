import { SELECTOR_FIELDS } from "../../bus/types/fields.ts";
import { nearest } from "../../bus/nearest.ts";
import {
  ACTIONS,
  type Hook,
  HOOKS,
  MODES,
  type Operator,
  type Predicate,
  type Selector,
} from "../../bus/types/selector.ts";
import { conditionOf, type Condition, show } from "./condition.ts";
import { SelectorError } from "./errors.ts";
import { LineageTexts } from "./lineage-texts.ts";
import { operandOf } from "./hooks/all.ts";
import { OPERAND } from "./operands.ts";
import type { ActiveSelector, HookAbility } from "./types.ts";

/** enum denial_action, which is also the order of strength. */
export const ACTION_NUMBER = { post: 0, noPost: 1, signal: 2, deny: 3, kill: 4 } as const;
export const MODE_NUMBER = { monitor: 0, enforce: 1 } as const;

const DEFAULT_RECORDS_PER_SECOND = 100;
const NANOSECONDS = 1_000_000_000;

/** A selector as the compiler and the oracle take it: checked, its scope resolved to members of marked sets. */
export interface NormalSelector {
  source: ActiveSelector;
  /** Entry and id. */
  key: string;
  hook: Hook;
  action: number;
  mode: number;
  priority: number;
  deadline: bigint | null;
  /** Nanoseconds between two records once the allowance of a second is used up. */
  interval: bigint;
  /** Whether each process has an allowance of its own. */
  /** Whose the allowance is: enum match_rate_per. */
  ratePer: number;
  conditions: Condition[];
}

/** Members that a process or its cgroup must be of; see ScopeSets. */
export interface ScopeMembers {
  cgroups: string[];
  tree: string | null;
}

/** Tells selectors apart: their ids are unique within their entry. */
export function selectorKey({ entry, selector }: Pick<ActiveSelector, "entry" | "selector">): string {
  return `${entry}\n${selector.id}`;
}

/** Whether two selectors differ in nothing that a place in the tables depends on: in deadline, rate and reasons only. */
export function sameShape(a: NormalSelector, b: NormalSelector): boolean {
  return shapeOf(a) === shapeOf(b);
}

function shapeOf({ source, action, mode, priority, conditions }: NormalSelector): string {
  const members = conditions.flatMap((condition) => (condition.type === "set" ? [condition.member] : []));
  return JSON.stringify([action, mode, priority, source.selector.match, members]);
}

/**
 * Checks a selector and takes it apart. `demoted`: it went back to mode monitor. `lineage`: the bits of ancestors' binaries.
 * @throws SelectorError naming the part, what was wrong, and what is allowed.
 */
export function normalize(
  source: ActiveSelector,
  abilities: readonly HookAbility[],
  members: ScopeMembers,
  demoted = false,
  lineage: LineageTexts = new LineageTexts(),
): NormalSelector {
  const { selector } = source;
  if (!HOOKS.includes(selector.hook))
    throw new SelectorError("hook", `hook: ${show(selector.hook)} is unknown; allowed: ${HOOKS.join(", ")}`);
  if (!ACTIONS.includes(selector.action))
    throw new SelectorError("action", `action: ${show(selector.action)} is unknown; allowed: ${ACTIONS.join(", ")}`);
  if (!MODES.includes(selector.mode))
    throw new SelectorError("mode", `mode: ${show(selector.mode)} is unknown; allowed: ${MODES.join(", ")}`);
  const ability = abilityFor(source, abilities);
  const priority = selector.priority ?? 0;
  if (!Number.isInteger(priority) || Math.abs(priority) > 0x7fff_ffff)
    throw new SelectorError("priority", `priority: ${show(priority)} is not a whole number of 32 bits`);
  const conditions = (selector.match ?? []).map((predicate, index) =>
    readPredicate(selector.hook, ability, predicate, index, lineage),
  );
  for (const member of members.cgroups)
    conditions.push({ type: "set", operand: OPERAND.cgroup, negative: false, member });
  if (members.tree !== null)
    conditions.push({ type: "set", operand: OPERAND.tree, negative: false, member: members.tree });
  const mode = demoted ? "monitor" : selector.mode;
  return {
    source,
    key: selectorKey(source),
    hook: selector.hook,
    action: ACTION_NUMBER[selector.action],
    mode: MODE_NUMBER[mode],
    priority,
    deadline: source.deadline,
    interval: recordInterval(selector),
    ratePer: ratePer(selector.rate_per),
    conditions,
  };
}

function abilityFor({ selector }: ActiveSelector, abilities: readonly HookAbility[]): HookAbility {
  const { hook, action } = selector;
  const ability = abilities.find((one) => one.hook === hook);
  if (ability === undefined) throw new SelectorError("hook", `hook: nothing can be decided at ${hook} on this host`);
  if (ability.actions.includes(action)) return ability;
  if (action === "post" || action === "noPost")
    throw new SelectorError(
      "action",
      `action: ${action} does nothing at ${hook}, whose events are not filtered in the kernel; possible: ${ability.actions.join(", ") || "none"}`,
    );
  if (ability.actions.length === 0) {
    const why = ability.why === undefined ? "" : `: ${ability.why}`;
    throw new SelectorError("hook", `hook: nothing can be decided at ${hook} on this host${why}`);
  }
  const why = ability.why === undefined ? "" : ` (${ability.why})`;
  throw new SelectorError(
    "hook",
    `action: ${action} is not possible at ${hook} by ${ability.rung} on this kernel${why}; possible: ${ability.actions.join(", ")}`,
  );
}

/** Denials have an allowance where none is given; events that somebody asks for have none. */
function recordInterval({ rate, action }: Selector): bigint {
  if (action === "post" && (rate ?? null) === null) return 0n;
  const perSecond = rate ?? DEFAULT_RECORDS_PER_SECOND;
  if (typeof perSecond !== "number" || !(perSecond > 0) || perSecond > 1e6)
    throw new SelectorError("rate", `rate: ${show(rate)} is not a number of records per second above 0, up to 1000000`);
  return BigInt(Math.ceil(NANOSECONDS / perSecond));
}

const RATE_PER = ["global", "process", "file"];

function ratePer(value: unknown): number {
  const place = RATE_PER.indexOf((value ?? "global") as string);
  if (place >= 0) return place;
  throw new SelectorError("rate", `rate_per: ${show(value)} is unknown; allowed: ${RATE_PER.join(", ")}`);
}

function readPredicate(
  hook: Hook,
  ability: HookAbility,
  predicate: Predicate,
  index: number,
  lineage: LineageTexts,
): Condition {
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
  const operand = operandOf(hook, name);
  if (!field.hooks.includes(hook) || operand === undefined)
    throw new SelectorError("field", `${at}: not known at ${hook}; allowed there: ${fieldsOf(hook).join(", ")}`);
  if (ability.notFinal?.includes(name))
    throw new SelectorError("field", `${at}: has not its final value yet where ${ability.rung} decides on ${hook}`);
  const operators: readonly Operator[] = field.operators;
  if (!operators.includes(predicate.op))
    throw new SelectorError(
      "operator",
      `${at}: operator ${show(predicate.op)} is not possible; allowed: ${operators.join(", ")}`,
    );
  if (!Array.isArray(predicate.values) || predicate.values.length === 0)
    throw new SelectorError("value", `${at}: values must be a list of at least one value`);
  return conditionOf(predicate, operand, at, lineage);
}

function fieldsOf(hook: Hook): string[] {
  return Object.entries(SELECTOR_FIELDS).flatMap(([name, field]) => (field.hooks.includes(hook) ? [name] : []));
}
