import type { Action, Because, Hook, Mode, Predicate, Scope } from "./selector.ts";

/**
 * What a Rego policy, another OPA or a program wants done. `ttl` is a Go-style duration ("10m"), at least one second.
 * A decision caused by an event of node X applies to X unless `fleet` is true.
 */
export interface Decision {
  action: Extract<Action, "deny" | "kill" | "signal">;
  hook: Hook;
  match?: Predicate[];
  scope?: Scope;
  ttl?: string;
  mode?: Mode;
  priority?: number;
  fleet?: boolean;
  force?: boolean;
  reason?: string;
  because?: Because;
}
