import { nearest } from "../../bus/nearest.ts";
import { isIP, isIPv4 } from "node:net";
import { SELECTOR_FIELDS, type SelectorField } from "../../bus/types/fields.ts";
import type { Hook, Operator, Predicate } from "../../bus/types/selector.ts";
import { quote } from "../problems.ts";
import type { Reader } from "./reader.ts";

export const MAX_PREDICATES = 32;
export const MAX_VALUES = 10_000;
const MAX_PATH = 4_096;
const MAX_PROTOCOL = 255;
const MAX_U32 = 4_294_967_295;

/** The predicates of a `match`, checked against the fields, operators and values that `hook` knows. */
export function readPredicates(reader: Reader, field: string, value: unknown, hook: Hook | undefined): Predicate[] {
  if (value === undefined || (Array.isArray(value) && value.length === 0)) return [];
  const items = reader.list(field, value, MAX_PREDICATES) ?? [];
  return items.flatMap((item, index) => readPredicate(reader, `${field}[${index}]`, item, hook) ?? []);
}

function readPredicate(reader: Reader, path: string, value: unknown, hook: Hook | undefined): Predicate | undefined {
  const object = reader.object(path, value, ["field", "op", "values"]);
  if (object === undefined) return undefined;
  const names = Object.keys(SELECTOR_FIELDS).filter(
    (name) => hook === undefined || SELECTOR_FIELDS[name]?.hooks.includes(hook),
  );
  const name = String(object["field"]);
  const field = names.includes(name) ? SELECTOR_FIELDS[name] : undefined;
  if (field === undefined) {
    const hint = nearest(name, names);
    const guess = hint === null ? "" : `, did you mean ${hint}?`;
    return reader.wrong(
      `${path}.field`,
      object["field"] === undefined
        ? "is missing"
        : `is ${quote(object["field"])}, which ${hook ?? "no hook"} has not${guess}`,
      names.join(", "),
    );
  }
  const op = reader.oneOf<Operator>(`${path}.op`, object["op"], field.operators);
  const values = reader.list(`${path}.values`, object["values"], MAX_VALUES);
  if (op === undefined || values === undefined) return undefined;
  const checked: Predicate["values"] = [];
  for (const [index, item] of values.entries()) {
    const read = readValue(reader, `${path}.values[${index}]`, item, { ...field, op });
    if (read !== undefined) checked.push(read);
  }
  return { field: name, op, values: checked };
}

interface ValueKind extends SelectorField {
  op: Operator;
}

function readValue(
  reader: Reader,
  path: string,
  value: unknown,
  kind: ValueKind,
): Predicate["values"][number] | undefined {
  if (kind.type === "path" || kind.type === "text") return reader.text(path, value, MAX_PATH);
  if (kind.type === "address") return readAddress(reader, path, value, kind.op);
  if (kind.type === "device") return readLike(reader, path, value, /^\d{1,4}:\d{1,7}$/, '"major:minor"');
  if (kind.type === "flags") return reader.oneOf(path, value, kind.names ?? []);
  if (kind.type === "capability")
    return readLike(reader, path, value, /^CAP_[A-Z_]+$/, "the name of a capability, as CAP_SYS_ADMIN");
  if (kind.type === "boolean") return readLike(reader, path, value, /^(?:true|false)$/, '"true" or "false"');
  if (kind.type === "namespace" && value === "host") return value;
  if (kind.type === "protocol" && (value === "tcp" || value === "udp")) return value;
  if (typeof value === "string" && kind.type === "name") return reader.oneOf(path, value, kind.names ?? []);
  const high = kind.most ?? (kind.type === "protocol" ? MAX_PROTOCOL : MAX_U32);
  if (kind.op !== "range" && kind.op !== "notRange") return reader.integer(path, value, 0, high);
  if (Array.isArray(value) && value.length === 2) {
    const low = reader.integer(`${path}[0]`, value[0], 0, high);
    const end = reader.integer(`${path}[1]`, value[1], 0, high);
    if (low === undefined || end === undefined) return undefined;
    if (low <= end) return [low, end];
  }
  return reader.wrong(path, `is ${quote(value)}`, `[low, high], both from 0 to ${high}, low not above high`);
}

function readLike(reader: Reader, path: string, value: unknown, form: RegExp, allowed: string): string | undefined {
  if (typeof value === "string" && form.test(value)) return value;
  return reader.wrong(path, `is ${quote(value)}`, allowed);
}

function readAddress(reader: Reader, path: string, value: unknown, op: Operator): string | undefined {
  if (op === "in" || op === "notIn") {
    if (typeof value === "string" && isIP(value) !== 0) return value;
    return reader.wrong(path, `is ${quote(value)}`, "an IPv4 or IPv6 address");
  }
  const [address = "", length = "", ...rest] = String(value).split("/");
  const bits = isIPv4(address) ? 32 : 128;
  if (
    typeof value === "string" &&
    rest.length === 0 &&
    isIP(address) !== 0 &&
    /^\d{1,3}$/.test(length) &&
    Number(length) <= bits
  ) {
    return value;
  }
  return reader.wrong(path, `is ${quote(value)}`, 'an address with its prefix length, as "10.0.0.0/8" or "fd00::/8"');
}
