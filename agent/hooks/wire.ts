/**
 * How the wire description is written. A field that comes from the kernel names the record's field in `from` and takes its
 * documentation from there; what only the agent knows is documented here, once.
 */
export type WireType =
  | { is: "string"; values?: readonly string[]; format?: "date-time" }
  | { is: "integer" }
  | { is: "boolean" }
  | { is: "constant"; value: string }
  | { is: "list"; of: WireType }
  | { is: "map"; of: WireType }
  | { is: "object"; name: string }
  /** A type written by hand elsewhere in bus/, which the schema takes as any object. */
  | { is: "foreign"; name: string; module: string };

export interface WireField {
  type: WireType;
  doc?: string;
  /** `record.path.of.field`, one or several. */
  from?: string | readonly string[];
  nullable?: boolean;
  optional?: boolean;
}

export interface WireObject {
  doc: string;
  extends?: string;
  fields: Readonly<Record<string, WireField>>;
}

export interface Wire {
  objects: Readonly<Record<string, WireObject>>;
  /** Event kind -> object. */
  events: Readonly<Record<string, string>>;
  /** Kernel fields that do not cross the wire, with the reason. */
  internal: Readonly<Record<string, string>>;
}

export const string: WireType = { is: "string" };
export const integer: WireType = { is: "integer" };
export const boolean: WireType = { is: "boolean" };
export const time: WireType = { is: "string", format: "date-time" };

/** One of these words. */
export function oneOf(...values: string[]): WireType {
  return { is: "string", values };
}

/** An object of the wire description: one of bpf/gen/wire-events.ts or of the kind's own. */
export function object(name: string): WireType {
  return { is: "object", name };
}

export function list(of: WireType): WireType {
  return { is: "list", of };
}
