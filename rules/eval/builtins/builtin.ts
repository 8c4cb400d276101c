/**
 * A builtin that OPA leaves to the host of a wasm policy. Arguments and result are JSON values; a set comes as an array.
 * Returns undefined, and never throws, where OPA's own has no result: the expression that called it is then undefined.
 */
export type Builtin = (...args: unknown[]) => unknown;
export type Builtins = Record<string, Builtin>;
