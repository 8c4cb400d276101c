/** JSONata has to say. */
export const UNKNOWN = Symbol("unknown");
/** What `$match` returns where something matches: only that it is something is known. */
export const MATCHED = Symbol("matched");

/** A value's truth by JSONata's `$boolean`; a missing one is false. */
export function truth(value: unknown): boolean | typeof UNKNOWN {
  if (value === MATCHED) return true;
  return value === UNKNOWN || Array.isArray(value) ? UNKNOWN : Boolean(value);
}
