import { parseRange } from "../formula/cidr.ts";
import type { Atom, AtomValue, Range } from "../formula/formula.ts";
import { atomText } from "../formula/text.ts";
import { SELECTOR_FIELDS, type SelectorField } from "../types/fields.ts";
import type { Operator, Predicate } from "../types/selector.ts";

/** What the matcher can compare: of longer texts it knows the beginning only. */
const TEXT_BYTES = 255;
/** Where a field does not say what its highest number is. */
const NUMBER_MAX = 0xffff_ffff;
/** What bytes that are no UTF-8 became in an event: which they were is not known any more. */
const REPLACED = "\ufffd";

/**
 * The predicate that holds for an event in the kernel whenever the atom holds for its JSON, or why there is none. A field of a
 * hook's own selectors is the event's field of that name. Of a process only the binary is the same in both: what an event
 * says of users is what they were at the exec, and of the parent what it runs now.
 */
export function carried(atom: Atom, hook: string): { predicate: Predicate } | { lack: string } {
  const name = atom.path.join(".");
  const field = Object.hasOwn(SELECTOR_FIELDS, name) ? SELECTOR_FIELDS[name] : undefined;
  if (field === undefined || !(field.hooks as readonly string[]).includes(hook))
    return { lack: `${name} is no field of selectors` };
  if (/^(?:process|parent)\./.test(name) && name !== "process.binary")
    return { lack: `${name} may be another one in the event` };
  if (atom.not) return { lack: `${atomText(atom)}: only what must be there is asked for` };
  if (atom.fold) return { lack: `${atomText(atom)}: selectors compare with case` };
  const made = valuesOf(atom, field);
  if (made === null || !(field.operators as readonly string[]).includes(made.op))
    return { lack: `${atomText(atom)}: selectors cannot say that` };
  return { predicate: { field: name, ...made } };
}

type Values = Predicate["values"];
type Made = { op: Operator; values: Values } | null;

function valuesOf({ op, values }: Atom, { type, most = NUMBER_MAX, names = [], hooks }: SelectorField): Made {
  switch (type) {
    case "path":
      return textValues(op, values, true);
    case "text":
      return textValues(op, values, false);
    case "number":
      return op === "range" ? rangeValues(values, most) : op === "in" ? numberValues(values, most) : null;
    // which of the names a hook knows is said where there is one hook only
    case "name":
      return op === "in" && hooks.length === 1
        ? texts(values, (text) => text !== "other" && names.includes(text))
        : null;
    case "address":
      return op === "in" || op === "cidr" ? addressValues(op, values) : null;
    case "device":
      return op === "in" ? texts(values, (text) => /^\d{1,4}:\d{1,7}$/.test(text)) : null;
    case "protocol":
      return op === "in" ? texts(values, (text) => text === "tcp" || text === "udp") : null;
    case "boolean":
      return op === "in" && values.length === 1 && typeof values[0] === "boolean"
        ? { op, values: [String(values[0])] }
        : null;
    default:
      return null;
  }
}

/** A value that cannot be said leaves nothing to be said: the others alone would ask for too little. */
function texts(values: readonly AtomValue[], allowed: (text: string) => boolean): Made {
  return values.every((value) => typeof value === "string" && allowed(value))
    ? { op: "in", values: [...values] as string[] }
    : null;
}

function textValues(op: Atom["op"], values: readonly AtomValue[], path: boolean): Made {
  if (op !== "in" && op !== "prefix" && op !== "suffix") return null;
  const can = (value: AtomValue): value is string =>
    typeof value === "string" &&
    value !== "" &&
    !value.includes("\0") &&
    !value.includes(REPLACED) &&
    Buffer.byteLength(value) <= TEXT_BYTES &&
    (!path || op === "suffix" || value.startsWith("/"));
  return values.every(can) ? { op, values: [...values] } : null;
}

function numberValues(values: readonly AtomValue[], most: number): Made {
  const can = (value: AtomValue): value is number =>
    typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= most;
  return values.every(can) ? { op: "in", values: [...values] } : null;
}

function rangeValues(values: readonly AtomValue[], most: number): Made {
  const pairs: [number, number][] = [];
  for (const value of values) {
    const { min, max, above, below, other } = value as Range;
    if (other) return null;
    // of numbers that no event can tell exactly there may be some beyond
    if (max === undefined && most > NUMBER_MAX) return null;
    const low = Math.max(0, min === undefined ? 0 : above ? Math.floor(min) + 1 : Math.ceil(min));
    const high = Math.min(most, max === undefined ? most : below ? Math.ceil(max) - 1 : Math.floor(max));
    if (low <= high) pairs.push([low, high]);
  }
  return pairs.length === 0 ? null : { op: "range", values: pairs };
}

function addressValues(op: "in" | "cidr", values: readonly AtomValue[]): Made {
  const networks: string[] = [];
  for (const value of values) {
    const range = typeof value === "string" && !(value.includes(":") && value.includes(".")) ? parseRange(value) : null;
    if (range === null || (op === "in" && range.length !== range.bits)) return null;
    networks.push(value as string);
  }
  if (op === "in") return { op, values: networks };
  return { op: "cidr", values: networks.map((text) => (text.includes("/") ? text : `${text}/${widthOf(text)}`)) };
}

function widthOf(address: string): number {
  return address.includes(":") ? 128 : 32;
}
