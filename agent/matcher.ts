import type { Hook } from "../bus/types/selector.ts";
import type { RefusedSelector, SelectorCounters } from "../bus/types/status.ts";
import type { ActiveSelector, Tables } from "./desired/desired-state.ts";

/** What puts selectors into the kernel and tells what became of them. */
export interface Matcher extends Tables {
  /** The selector at a place of an installed set. */
  describe(install: number, selector: number): ActiveSelector | undefined;
  /** By `selectorKey`. */
  counters(): Map<string, SelectorCounters>;
  /** Selectors that went back to mode monitor by themselves, by `selectorKey`. */
  demoted(): Set<string>;
  /** Whether what is in force has to be applied again when containers come, go, or get other names. */
  readonly usesContainers: boolean;
  /** Takes in containers that came, soon; false when all of it has to be applied again for that. */
  followContainers(): boolean;
  /** Events of a hook that were compared with selectors. */
  seen(hook: Hook): number;
  /** What is counted for the matcher as a whole. */
  counts(): Record<string, number>;
  /** To be called about once a second. */
  tick(): void;
  close(): void;
}

export function selectorKey(entry: string, id: string): string {
  return `${entry}/${id}`;
}

/** Where the kernel took no matcher: every selector is refused with the reason, so that nobody believes in it. */
export class NoMatcher implements Matcher {
  readonly usesContainers = false;

  followContainers(): boolean {
    return true;
  }

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

  demoted(): Set<string> {
    return new Set();
  }

  seen(): number {
    return 0;
  }

  counts(): Record<string, number> {
    return {};
  }

  tick(): void {}

  close(): void {}
}
