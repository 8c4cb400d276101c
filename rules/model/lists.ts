/** What `data.lists.<name>` (Rego) and `$lists.<name>` (JSONata) hold: a sequence, or a mapping where look-ups must be quick. */
export type ListValue = (string | number | boolean)[] | Record<string, unknown>;
export type Lists = Record<string, ListValue>;
