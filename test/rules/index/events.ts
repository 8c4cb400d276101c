import { atomsOf, isAtom } from "../../../bus/formula/formula.ts";
import type { Atom, Formula, Range } from "../../../bus/formula/formula.ts";
import { ELEMENT } from "../../../bus/formula/verify.ts";
import type { RuleSet } from "../../../rules/model/rule-set.ts";
import { fillEvent } from "../../../rules/testing/fill-event.ts";
import type { Random } from "../lib/random.ts";

type Json = Record<string, unknown>;

const FOREIGN: Record<string, string> = {
  k: "\u212a",
  i: "\u0130",
  s: "\u017f",
  K: "\u212a",
  I: "\u0131",
  S: "\u017f",
};
const JUNK = ["", "", "x", " ", "/", "é", "日本", "😀", '"', "\\", "\n", " -a ", "\ud800", "\0"];
const ODD = [
  null,
  true,
  false,
  0,
  1,
  1000,
  1001,
  2 ** 53 + 1,
  1.5,
  "",
  [],
  ["/tmp/x"],
  [["/tmp/x"]],
  {},
  { binary: "/tmp/x" },
];
const FIELDS = ["binary", "arguments", "cwd", "uid", "script", "flags"];

/** Events that are near to what the rules of a set look for: each is made to meet one, then changed. */
export function mutatedEvents(set: RuleSet, random: Random): () => Json {
  const formulas = Object.values(set.index).flatMap((kinds) => kinds["process_exec"]?.formula ?? []);
  const atoms = formulas.flatMap(atomsOf);
  let made = 0;
  return () => {
    const event = structuredClone(fillEvent({ node: "web-1" }, made++)) as unknown as Json;
    if (random.chance(0.9)) meet(event, random.pick(formulas), random);
    for (let n = random.below(4); n > 0; n--) if (random.chance(0.5)) satisfy(event, random.pick(atoms), random);
    if (random.chance(0.25)) disturb(event, random);
    return event;
  };
}

/** Sets the fields so that a formula holds, mostly. */
function meet(event: Json, formula: Formula, random: Random): void {
  if (typeof formula === "boolean") return;
  if (isAtom(formula)) satisfy(event, formula, random);
  else if ("and" in formula) for (const part of formula.and) if (random.chance(0.97)) meet(event, part, random);
  if (typeof formula === "object" && "or" in formula) meet(event, random.pick(formula.or), random);
}

function satisfy(event: Json, atom: Atom, random: Random): void {
  if (atom.not || (atom.values.length === 0 && atom.op === "exists")) return;
  set(event, atom.path, valueFor(atom, random), atom.op === "contains");
}

function valueFor({ op, values, fold }: Atom, random: Random): unknown {
  const value = random.pick(values.length === 0 ? [true] : values);
  if (op === "range") {
    const { min = 0, max = min + 2 } = value as Range;
    return random.pick([min, max, min + 1, max - 1, min - 1, max + 1, Math.floor((min + max) / 2)]);
  }
  if (op === "type") return value === "string" ? "/home/x.kts" : 1;
  if (op === "cidr") return random.pick(["10.1.2.3", "10.255.0.1", "11.0.0.1", "::ffff:10.0.0.1"]);
  if (typeof value !== "string") return value;
  const text = random.chance(fold ? 0.7 : 0.15) ? recased(value, random) : value;
  const junk = (): string => (random.chance(0.35) ? random.pick(JUNK) : "");
  if (op === "prefix") return text + random.pick(["a", "/x", "", junk()]);
  if (op === "suffix") return random.pick(["/usr/bin", "/", "", junk()]) + text;
  return op === "contains" ? junk() + text + junk() : text + (random.chance(0.05) ? junk() : "");
}

function recased(text: string, random: Random): string {
  const form = random();
  if (form < 0.4) return text.toUpperCase();
  const change = (char: string): string => (form < 0.7 ? char.toUpperCase() : (FOREIGN[char] ?? char));
  return Array.from(text, (char) => (random.chance(0.4) ? change(char) : char)).join("");
}

/** `add`: a text that is there already is kept beside the new one. */
function set(event: Json, path: readonly string[], value: unknown, add: boolean): void {
  let at: Json = event;
  for (const [n, name] of path.entries()) {
    if (name === ELEMENT) continue;
    const inner = at[name];
    const listed = path[n + 1] === ELEMENT;
    if (n + (listed ? 2 : 1) === path.length) {
      if (listed) at[name] = [...(Array.isArray(inner) ? (inner as unknown[]) : []), value];
      else at[name] = add && typeof inner === "string" && typeof value === "string" ? `${inner} ${value}` : value;
      return;
    }
    const list = listed ? (Array.isArray(inner) ? (inner as unknown[]) : []) : null;
    const next = list === null ? inner : list[list.length > 1 ? 1 : 0];
    const object = typeof next === "object" && next !== null && !Array.isArray(next) ? (next as Json) : {};
    if (list === null) at[name] = object;
    else {
      if (list.length === 0) list.push(object);
      at[name] = list;
    }
    at = object;
  }
}

/** What no agent sends, and what is there only now and then. */
function disturb(event: Json, random: Random): void {
  const process = event["process"] as Json | null;
  const parts = ["process", "parent", "ancestors"];
  switch (random.below(7)) {
    case 0:
      if (process) process[random.pick(FIELDS)] = random.pick(ODD);
      break;
    case 1:
      delete event[random.pick(parts)];
      break;
    case 2:
      event[random.pick(parts)] = random.pick(ODD);
      break;
    case 3:
      if (process) delete process[random.pick(FIELDS)];
      break;
    case 4: {
      const part = random.pick(parts);
      event[part] = [event[part], { binary: "/bin/kish", arguments: "x" }];
      break;
    }
    case 5:
      if (process) process["stdio"] = random.pick(ODD);
      break;
    default:
      if (process) process["container"] = { id: "3f5c", known: true, name: random.pick(["kiosk", "KIOSK", "x"]) };
  }
}
