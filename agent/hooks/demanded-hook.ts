import type { Hook, Selector } from "../../bus/types/selector.ts";
import type { HookAbility } from "../selectors/types.ts";
import { climb, type ClimbOptions, type Foothold } from "./climb.ts";
import type { AttachedHook } from "./hooks.ts";
import { canDeny, type Ladder, type Rung } from "./rung.ts";

const IDLE = "attached when a rule, policy or reader asks for it; none does";

/** What a hook has to say of itself after a change; no ability: it stays as it was. */
export interface HookReport {
  attached: AttachedHook;
  ability: HookAbility | undefined;
}

/**
 * A hook too dear to be attached for nothing: it is loaded and attached when the first selector asks for it, and given back
 * when the last one went. Which rung the kernel takes is found out the first time, and kept.
 */
export class DemandedHook {
  readonly #ladder: Ladder;
  readonly #options: ClimbOptions;
  readonly #report: (report: HookReport) => void;
  #foothold: Foothold | undefined;
  /** Undefined until the first demand. */
  #rungs: readonly Rung[] | undefined;
  #refused: string[] = [];

  constructor(ladder: Ladder, options: ClimbOptions, report: (report: HookReport) => void) {
    this.#ladder = ladder;
    this.#options = options;
    this.#report = report;
  }

  /** Says that it is there, and idle. */
  announce(): void {
    this.#say();
  }

  get hook(): Hook {
    return this.#ladder.hook;
  }

  /** Whether it is not attached and would be for these: one of them asks for what it can do, or it is to stand by. */
  isMissed(selectors: readonly Selector[], standby: boolean): boolean {
    if (this.#foothold !== undefined) return false;
    const asking = selectors.filter((selector) => selector.hook === this.#ladder.hook);
    if (this.#rungs === undefined) return standby || asking.length > 0;
    const [rung] = this.#rungs;
    // what it cannot do is refused: no reason to attach it
    return rung !== undefined && (standby || asking.some(({ action }) => rung.actions.includes(action)));
  }

  /** Attaches it when these ask for it. */
  demand(selectors: readonly Selector[], standby: boolean): void {
    if (!this.isMissed(selectors, standby)) return;
    const { foothold, refused } = climb(
      { hook: this.#ladder.hook, rungs: this.#rungs ?? this.#ladder.rungs },
      this.#options,
    );
    this.#foothold = foothold;
    if (this.#rungs === undefined || foothold === undefined) this.#refused = refused;
    this.#rungs = foothold === undefined ? [] : [foothold.rung];
    this.#say();
  }

  release(): void {
    if (this.#foothold === undefined) return;
    this.#foothold.close();
    this.#foothold = undefined;
    this.#say();
  }

  close(): void {
    this.#foothold?.close();
    this.#foothold = undefined;
  }

  #say(): void {
    const { hook } = this.#ladder;
    const [rung] = this.#rungs ?? [];
    const idle = this.#foothold === undefined && (this.#rungs === undefined || rung !== undefined);
    const name = rung?.name ?? "none";
    const why = this.#refused.join("; ");
    const detail = idle ? IDLE : why;
    this.#report({
      attached: {
        ...{ hook, rung: name, attached: this.#foothold !== undefined },
        canDeny: rung !== undefined && canDeny(rung),
        programs: this.#foothold?.rung.programs ?? [],
        ...(idle ? { idle: true as const } : {}),
        ...(detail === "" ? {} : { detail }),
      },
      ability:
        this.#rungs === undefined
          ? undefined
          : { hook, rung: name, actions: rung?.actions ?? [], ...(rung === undefined ? { why } : {}) },
    });
  }
}
