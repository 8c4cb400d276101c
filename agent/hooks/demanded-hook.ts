import type { Hook, Selector } from "../../bus/types/selector.ts";
import type { HookAbility } from "../selectors/types.ts";
import { KernelError } from "../kernel/errors.ts";
import { climb, type ClimbOptions, type Foothold, inShort } from "./climb.ts";
import type { AttachedHook } from "./hooks.ts";
import type { Results } from "./results.ts";
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
  readonly #results: Results;
  readonly #report: (report: HookReport) => void;
  #foothold: Foothold | undefined;
  /** Undefined until the first demand. */
  #rungs: readonly Rung[] | undefined;
  #refused: string[] = [];

  constructor(ladder: Ladder, options: ClimbOptions, results: Results, report: (report: HookReport) => void) {
    this.#ladder = ladder;
    this.#options = options;
    this.#results = results;
    this.#report = report;
  }

  get hook(): Hook {
    return this.#ladder.hook;
  }

  /** Says that it is there, and idle. */
  announce(): void {
    this.#say();
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

  /** Attaches it when these ask for it, and what only tells of acts when they ask to be told. */
  demand(selectors: readonly Selector[], standby: boolean): void {
    const tells = selectors.some(({ hook, action }) => hook === this.hook && action === "post");
    if (this.#foothold !== undefined && tells) this.#tell(this.#foothold);
    if (!this.isMissed(selectors, standby)) return;
    const { foothold, refused } = climb(
      { hook: this.#ladder.hook, rungs: this.#rungs ?? this.#ladder.rungs },
      this.#options,
      tells,
    );
    this.#foothold = foothold;
    if (foothold?.rung.waits === true && !this.#holdResults(refused)) {
      foothold.close();
      this.#foothold = undefined;
    }
    if (this.#rungs === undefined || this.#foothold === undefined) this.#refused = refused;
    this.#rungs = this.#foothold === undefined ? [] : [this.#foothold.rung];
    this.#say();
  }

  /** Gives back what only tells of acts: nobody asks any more. */
  hush(): void {
    const before = this.#foothold?.programs;
    this.#foothold?.hush();
    if (before?.length !== this.#foothold?.programs.length) this.#say();
  }

  release(): void {
    if (this.#foothold === undefined) return;
    this.close();
    this.#say();
  }

  close(): void {
    const foothold = this.#foothold;
    this.#foothold = undefined;
    foothold?.close();
    if (foothold?.rung.waits === true) this.#results.release();
  }

  #tell(foothold: Foothold): void {
    const before = foothold.programs.length;
    try {
      foothold.tell();
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      this.#refused = [...this.#refused, `${foothold.rung.name}: ${inShort(error)}`];
    }
    if (foothold.programs.length !== before) this.#say();
  }

  /** Nothing waits yet: the tables that ask for something here come later. */
  #holdResults(refused: string[]): boolean {
    try {
      this.#results.take();
      return true;
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      refused.push(`results: ${inShort(error)}`);
      return false;
    }
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
        programs: this.#foothold?.programs ?? [],
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
