import type { Config } from "../bus/config/settings.ts";
import type { Logger } from "../bus/log.ts";
import type { Hooks } from "./hooks.ts";
import { type Matcher, NoMatcher } from "./matcher.ts";
import type { TableLookup } from "./process/lookup.ts";

export interface MatcherOptions {
  config: Config;
  hooks: Hooks;
  lookup: TableLookup;
  cgroupRoot: string | undefined;
  log: Logger;
}

/** The matcher of this kernel. */
export function makeMatcher(_options: MatcherOptions): Matcher {
  return new NoMatcher("this agent has no matcher");
}
