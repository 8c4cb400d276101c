import type { RefusedSelector, SelectorCounters } from "../bus/types/status.ts";
import type { ActiveSelector, Tables } from "./desired/desired-state.ts";

/** What puts selectors into the kernel and tells what became of them. */
export interface Matcher extends Tables {
  /** The selector at a place of an installed set. */
  describe(install: number, selector: number): ActiveSelector | undefined;
  /** By `<entry>/<selector id>`. */
  counters(): Map<string, SelectorCounters>;
  close(): void;
}

/** Where the kernel took no matcher: every selector is refused with the reason, so that nobody believes in it. */
export class NoMatcher implements Matcher {
  readonly #reason: string;

  constructor(reason: string) {
    this.#reason = reason;
  }

  apply(_revision: number, selectors: ActiveSelector[]): { refused: RefusedSelector[] } {
    return {
      refused: selectors.map(({ entry, selector }) => ({ entry, selector: selector.id, reason: this.#reason })),
    };
  }

  disarm(): void {}

  describe(): undefined {
    return undefined;
  }

  counters(): Map<string, SelectorCounters> {
    return new Map();
  }

  close(): void {}
}
