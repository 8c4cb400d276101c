import type { Wire, WireField } from "../../agent/hooks/wire.ts";

export type { Wire, WireField, WireObject, WireType } from "../../agent/hooks/wire.ts";

/** The fields of an object, inherited ones first. */
export function fieldsOf(wire: Wire, name: string): [string, WireField][] {
  const object = wire.objects[name];
  if (!object) throw new Error(`the wire description has no object ${name}`);
  const inherited = object.extends === undefined ? [] : fieldsOf(wire, object.extends);
  const own = Object.entries(object.fields);
  return [...inherited.filter(([field]) => !(field in object.fields)), ...own];
}
