import { ALWAYS_SEEN } from "../../bus/demand/selectors.ts";
import { union } from "../../bus/demand/wants.ts";
import type { DesiredDemand, Wants } from "../../bus/types/demand.ts";
import type { Container } from "../containers/container.ts";
import type { ProcessExecRecord, ProcessExitRecord } from "../generated/records.ts";
import type { ProcessEntry } from "../process/entry.ts";
import { compileTest, type Test } from "./compile.ts";

/** What the node was told of who wants which events. */
export interface Told {
  /** Of each entry of the desired state that has one. */
  demands: readonly DesiredDemand[];
  /** Hooks whose events a selector asks for that is none of a demand: all that it lets through is wanted. */
  others: ReadonlySet<string>;
}

/**
 * Which events are worth being written: those that a rule, a policy or a reader wants, and the kinds that are kept for
 * history. Until an engine has said what its rules want, all are. What is left out is counted.
 */
export class EventFilter {
  /** Events that nobody wanted, by kind. */
  readonly filtered: Record<string, number> = {};
  readonly #node: string;
  readonly #history: ReadonlySet<string>;
  #wants: Wants = {};
  #standby: ReadonlySet<string> = new Set();
  /** Of the kinds that are not here all are wanted. */
  readonly #tests = new Map<string, Test | false>();

  /** @param history kinds of process events that are sent whether anybody wants them or not */
  constructor(node: string, history: readonly string[]) {
    this.#node = node;
    this.#history = new Set(history);
  }

  /** What is wanted, by kind, and for whom. */
  get wants(): Wants {
    return this.#wants;
  }

  /** Hooks that stay attached although nothing asks for them. */
  get standby(): ReadonlySet<string> {
    return this.#standby;
  }

  set({ demands, others }: Told): void {
    this.#standby = new Set(demands.flatMap(({ standby }) => standby));
    this.#wants = union(demands.map(({ wants }) => wants));
    this.#tests.clear();
    const ofRules = demands.some(({ rulesets }) => rulesets.length > 0);
    const kinds = new Set([...Object.keys(this.#wants), ...(ofRules ? ALWAYS_SEEN : [])]);
    for (const kind of kinds) {
      if (ALWAYS_SEEN.has(kind) ? !ofRules || this.#history.has(kind) : others.has(kind)) continue;
      const formula = this.#wants[kind]?.formula ?? false;
      const test = compileTest(formula, kind, this.#node);
      if (test !== true) this.#tests.set(kind, test);
    }
  }

  /** Whether an event is to be written; counts it when it is not. */
  passes(
    kind: string,
    entry: ProcessEntry,
    container: () => Container | null,
    exec: ProcessExecRecord | null = null,
    exit: ProcessExitRecord | null = null,
  ): boolean {
    const test = this.#tests.get(kind);
    if (test === undefined) return true;
    if (test !== false && test({ entry, container: container(), exec, exit })) return true;
    this.filtered[kind] = (this.filtered[kind] ?? 0) + 1;
    return false;
  }
}
