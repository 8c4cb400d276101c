import type { Builtin, Builtins } from "./builtin.ts";
import { ENCODING } from "./encoding.ts";
import { NET } from "./net.ts";
import { NUMBERS } from "./numbers.ts";
import { TEXT } from "./text.ts";
import { TIME } from "./time.ts";

/** The builtins that the engine adds to those that the wasm itself and the SDK bring. */
export const HOST_BUILTINS: Builtins = guarded({ ...TEXT, ...TIME, ...ENCODING, ...NET, ...NUMBERS });

/** Those that the SDK brings and that are left to it. */
export const SDK_BUILTINS = ["json.is_valid", "yaml.is_valid", "yaml.marshal", "yaml.unmarshal"] as const;

/** A builtin that fails has no result, as in OPA; it must not end the evaluation of the other rules. */
function guarded(builtins: Builtins): Builtins {
  return Object.fromEntries(Object.entries(builtins).map(([name, builtin]) => [name, guard(builtin)]));
}

function guard(builtin: Builtin): Builtin {
  return (...args) => {
    try {
      return builtin(...args);
    } catch {
      return undefined;
    }
  };
}
