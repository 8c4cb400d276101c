import type { Alert } from "../../bus/types/alert.ts";
import type { Decision } from "../../bus/types/decision.ts";
import type { Event } from "../../bus/generated/events.ts";
import { LiveIndex } from "../index/live-index.ts";
import type { SkimmedLines } from "../index/skimmed-lines.ts";
import { CheckBudget } from "./check-budget.ts";
import type { EventOrigin } from "./event-check.ts";
import { decisionMessageId, shortHash } from "../../bus/ids.ts";
import { EngineError, reasonOf } from "../errors.ts";
import type { EventScope, Policy, Rule } from "../model/rule.ts";
import type { RuleSet } from "../model/rule-set.ts";
import { isInScope } from "./event-scope.ts";
import { DEFAULT_TTL, decisionFault } from "./decision-check.ts";
import { makeAlert, mergeFound } from "./finding.ts";
import type { DecisionFound, Finding } from "./finding.ts";
import { JsonataProgram, Template } from "./jsonata-program.ts";
import { RegoProgram } from "./rego-program.ts";
import type { Strikes } from "./strikes.ts";
import { Tally } from "./tally.ts";
import { GROUP, Watch } from "./watch.ts";

export interface EvaluatorOptions {
  /** `data.config` of the Rego. */
  config: { enforce: boolean };
  memoryMb: number;
  /** Ids of rules and policies that are not to be evaluated. */
  disabled?: ReadonlySet<string>;
  watch?: Watch;
  tally?: Tally;
  /** Where given, a rule whose Rego runs out of memory is struck, and disabled when it was struck too often. */
  strikes?: Strikes;
  onDisabled?: (id: string, reason: string) => void;
  /** False evaluates every rule of an event's kind, without index and without short cuts: what the index is compared with. */
  indexed?: boolean;
  /** Told of every error of a rule; it is counted already. */
  onError?: (error: RuleFailure) => void;
}

/** A rule or policy that failed on an event. */
export interface RuleFailure {
  id: string;
  /** `file:line` of the rule, or what OPA said where it is in the Rego. */
  where: string;
  reason: string;
  event: string;
}

export interface Evaluation {
  findings: Finding[];
  decisions: DecisionFound[];
}

/** A rule or policy, made ready. Its number is its place in `units`: rules first, then policies. */
interface Unit {
  index: number;
  /** `rule:<id>` or `policy:<id>`. */
  key: string;
  rule: Rule | null;
  policy: Policy | null;
  when: JsonataProgram | null;
  message: Template | null;
  dedupe: JsonataProgram[];
  exceptions: JsonataProgram[];
}

/** What is assumed of a unit that the set says nothing about. */
const EVERYTHING = { formula: true, cover: null } as const;
/** Each so many times, the Rego of a kind is evaluated rule by rule: that is how its time by rule is known. */
const SAMPLE = 128;
/** From so many candidates on, one call for all Rego of a kind costs less than one for each of them. */
const GROUP_LEAST = 4;

/**
 * Evaluates one rule set. Of the rules of an event's kind only those are looked at that the index says may find something. All
 * Rego of a kind is one call where many may, as long as nothing goes wrong in it: then the rules are evaluated one by one, so
 * that the others go on and the error has a name.
 */
export class Evaluator {
  /** How many of the lines that no rule can concern are checked. */
  readonly checks = new CheckBudget();
  readonly #set: RuleSet;
  readonly #options: EvaluatorOptions;
  readonly #units: Unit[] = [];
  readonly #byId = new Map<string, Unit>();
  readonly #kinds = new Map<string, Unit[]>();
  readonly #index: LiveIndex | null = null;
  /** Kinds of which one call evaluates all Rego: none of it is disabled. */
  readonly #whole = new Set<string>();
  readonly #stopped = new Set<Unit>();
  readonly #program: RegoProgram | null;
  readonly #watch: Watch;
  readonly #tally: Tally;
  #calls = 0;

  /** @throws EngineError `load` */
  constructor(set: RuleSet, options: EvaluatorOptions) {
    this.#set = set;
    this.#options = options;
    this.#watch = options.watch ?? new Watch();
    this.#tally = options.tally ?? new Tally(set.rules.length + set.policies.length);
    const data = { lists: set.lists, config: options.config };
    this.#program = set.wasm === null ? null : new RegoProgram(set.wasm, data, { memoryMb: options.memoryMb });
    for (const rule of set.rules) this.#add(this.#unitOf(rule, null));
    for (const policy of set.policies) this.#add(this.#unitOf(null, policy));
    for (const kind of Object.keys(set.entries))
      if (!this.#units.some((unit) => this.#isOff(unit, kind))) this.#whole.add(kind);
    if (options.indexed === false) return;
    const kinds = [...this.#kinds].map(([kind, units]) => {
      const indexed = units.map(({ index, key }) => {
        const { formula, cover } = set.index[key]?.[kind] ?? EVERYTHING;
        return { unit: index, formula, cover };
      });
      return [kind, indexed] as const;
    });
    this.#index = new LiveIndex(new Map(kinds), this.#units.length);
  }

  /** Tells which lines of a message have to be parsed; null where all have to be. */
  linesOf(message: Buffer, origin: EventOrigin): SkimmedLines | null {
    return this.#index?.linesOf(message, origin) ?? null;
  }

  /**
   * Evaluates an event that was checked. `text` is its JSON. `alone` takes the Rego rule by rule.
   * Never rejects because of a rule: what fails is counted and told.
   */
  async evaluate(event: Event, text: Uint8Array, alone = false): Promise<Evaluation> {
    const result: Evaluation = { findings: [], decisions: [] };
    const units = this.#unitsFor(event);
    const rego = units.filter((unit) => unit.when === null);
    for (const unit of units) if (unit.when !== null) await this.#evaluateJsonata(unit, event, result);
    if (rego.length > 0) await this.#evaluateRego(event.kind, rego, event, text, alone, result, null);
    const policies = result.findings.length === 0 ? [] : (this.#kinds.get("alert") ?? []);
    for (const { alert } of policies.length === 0 ? [] : result.findings) {
      await this.#evaluateRego("alert", policies, event, alert, alone, result, alert);
    }
    return result;
  }

  /** The units that may find something in an event, in the order of the set. */
  #unitsFor(event: Event): Unit[] {
    const units = this.#index?.find(event).map((unit) => this.#units[unit]!) ?? this.#kinds.get(event.kind) ?? [];
    return this.#stopped.size === 0 ? units : units.filter((unit) => !this.#stopped.has(unit));
  }

  /** From here on it is not evaluated any more: another thread found that it does not come to an end. */
  disable(id: string): void {
    for (const unit of this.#units) if ((unit.rule ?? unit.policy)!.id === id) this.#leaveOut(unit);
  }

  #leaveOut(unit: Unit): void {
    this.#stopped.add(unit);
    // One call for all Rego of a kind would evaluate it still.
    if (unit.when === null) for (const kind of (unit.rule ?? unit.policy)!.on) this.#whole.delete(kind);
  }

  async #evaluateJsonata(unit: Unit, event: Event, result: Evaluation): Promise<void> {
    if (!isInScope(scopeOf(unit), event)) {
      this.#tally.evaluated(unit.index, false);
      return;
    }
    this.#watch.enter(unit.index);
    const start = performance.now();
    try {
      const when =
        this.#options.indexed === false
          ? unit.when!.interpret(event)
          : (unit.when!.decide(event) ?? unit.when!.interpret(event));
      const holds = (typeof when === "boolean" ? when : await when) && !(await this.#excepted(unit, event));
      if (holds) await this.#find(unit, event, { message: await unit.message!.text(event) }, result);
      this.#tally.evaluated(unit.index, holds);
    } catch (thrown) {
      this.#failed(unit, event, reasonOf(thrown));
    }
    this.#tally.took(unit.index, (performance.now() - start) * 1000);
    this.#watch.leave();
  }

  /** Units of a kind over one input: an event, or an alert that was found on it. */
  async #evaluateRego(
    kind: string,
    all: readonly Unit[],
    event: Event,
    input: unknown,
    alone: boolean,
    result: Evaluation,
    alert: Alert | null,
  ): Promise<void> {
    const units = all.filter((unit) => !this.#stopped.has(unit)); // the alert before this one may have disabled some
    const grouped =
      !alone && units.length >= (this.#options.indexed === false ? 1 : GROUP_LEAST) && this.#whole.has(kind);
    const sampled = grouped && this.#calls++ % SAMPLE === 0;
    if (grouped && !sampled) {
      this.#watch.enter(GROUP);
      const found = this.#group(kind, input);
      this.#watch.leave();
      if (found !== null) {
        for (const unit of units) await this.#take(unit, found.get(unit) ?? [], event, result, alert);
        return;
      }
    }
    for (const unit of units) {
      if (!isInScope(scopeOf(unit), event)) {
        this.#tally.evaluated(unit.index, false);
        continue;
      }
      this.#watch.enter(unit.index);
      const start = performance.now();
      try {
        const elements = this.#program!.evaluate(
          (unit.rule as { entry: string } | null)?.entry ?? unit.policy!.entry,
          input,
        );
        await this.#take(unit, (elements as unknown[] | undefined) ?? [], event, result, alert);
      } catch (thrown) {
        this.#failed(unit, event, reasonOf(thrown));
        if (thrown instanceof EngineError && thrown.code === "memory") this.#strike(unit, thrown.message);
      }
      this.#tally.took(unit.index, (performance.now() - start) * 1000 * (sampled ? SAMPLE : 1));
      this.#watch.leave();
    }
  }

  /** What each unit of a kind holds; null when the evaluation failed, of whichever of them. */
  #group(kind: string, input: unknown): Map<Unit, unknown[]> | null {
    const found = new Map<Unit, unknown[]>();
    try {
      const triples = this.#program!.evaluate(this.#set.entries[kind]!, input) as
        | [string, string, unknown][]
        | undefined;
      for (const [what, id, element] of triples ?? []) {
        const unit = this.#byId.get(`${what}:${id}`)!;
        const elements = found.get(unit);
        if (elements === undefined) found.set(unit, [element]);
        else elements.push(element);
      }
      return found;
    } catch {
      return null; // said once more, with the rule's name, when each is evaluated alone
    }
  }

  async #take(unit: Unit, elements: unknown[], event: Event, result: Evaluation, alert: Alert | null): Promise<void> {
    try {
      let hit = elements.length > 0 && isInScope(scopeOf(unit), event);
      if (hit && unit.rule !== null) {
        hit = !(await this.#excepted(unit, event));
        if (hit) await this.#find(unit, event, mergeFound(unit.rule, elements), result);
      } else if (hit) this.#decide(unit.policy!, elements, event, result, alert);
      this.#tally.evaluated(unit.index, hit);
    } catch (thrown) {
      this.#failed(unit, event, reasonOf(thrown));
    }
  }

  async #find(unit: Unit, event: Event, found: Parameters<typeof makeAlert>[3], result: Evaluation): Promise<void> {
    const rule = unit.rule!;
    let dedupe: Finding["dedupe"] = null;
    if (rule.dedupe !== null) {
      const values: string[] = [];
      for (const by of unit.dedupe) values.push(JSON.stringify(await by.value(event)) ?? "");
      dedupe = { key: shortHash([rule.id, event.node, ...values]), within: rule.dedupe.within };
    }
    result.findings.push({ alert: makeAlert(rule, event, this.#set.digest, found), dedupe });
  }

  #decide(policy: Policy, elements: unknown[], event: Event, result: Evaluation, alert: Alert | null): void {
    const cause = alert?.id ?? event.id;
    const decisions = elements.map((element, n): DecisionFound => {
      const fault = decisionFault(element);
      if (fault !== null) throw new EngineError("evaluate", fault);
      const because = {
        ...{ policy: policy.id, ruleset: this.#set.digest, event: event.id },
        ...(alert === null ? {} : { alert: alert.id }),
      };
      const decision: Decision = { ttl: DEFAULT_TTL, ...(element as Decision), because };
      decision.mode ??= this.#options.config.enforce ? "enforce" : "monitor";
      return { policy: policy.id, decision, messageId: decisionMessageId(policy.id, cause, n) };
    });
    result.decisions.push(...decisions);
  }

  async #excepted(unit: Unit, event: Event): Promise<boolean> {
    for (const exception of unit.exceptions) if (await exception.holds(event)) return true;
    return false;
  }

  #failed(unit: Unit, event: Event, reason: string): void {
    this.#tally.failed(unit.index);
    const source = (unit.rule ?? unit.policy)!;
    const at = /^src\/([^:]+:\d+)/.exec(reason)?.[1];
    this.#options.onError?.({
      id: source.id,
      where: at ?? `${source.file}:${source.line}`,
      reason: reason.replace(/^src\/[^:]+:\d+(:\d+)?: /, ""),
      event: event.id,
    });
  }

  /** Filling the memory takes a good part of a second each time: whoever does it again and again would stop all others. */
  #strike(unit: Unit, reason: string): void {
    if (this.#options.strikes?.add(unit.index) !== true) return;
    this.#leaveOut(unit);
    this.#options.onDisabled?.((unit.rule ?? unit.policy)!.id, reason);
  }

  #isOff(unit: Unit, kind: string): boolean {
    const { id, on } = (unit.rule ?? unit.policy)!;
    return unit.when === null && (on as readonly string[]).includes(kind) && this.#options.disabled?.has(id) === true;
  }

  #unitOf(rule: Rule | null, policy: Policy | null): Unit {
    const compile = (source: string): JsonataProgram => new JsonataProgram(source, this.#set.lists);
    try {
      return {
        ...{ index: this.#units.length, key: rule === null ? `policy:${policy!.id}` : `rule:${rule.id}`, rule, policy },
        when: rule?.language === "jsonata" ? compile(rule.when) : null,
        message: rule?.language === "jsonata" ? new Template(rule.message, this.#set.lists) : null,
        dedupe: rule?.dedupe?.by.map(compile) ?? [],
        exceptions: rule?.exceptions.map((exception) => compile(exception.when)) ?? [],
      };
    } catch (cause) {
      throw new EngineError("load", `rule ${rule?.id} cannot be compiled: ${reasonOf(cause)}`, { cause });
    }
  }

  #add(unit: Unit): void {
    this.#units.push(unit);
    const { id, on } = (unit.rule ?? unit.policy)!;
    this.#byId.set(unit.key, unit);
    if (this.#options.disabled?.has(id)) return;
    for (const kind of on) {
      const units = this.#kinds.get(kind);
      if (units === undefined) this.#kinds.set(kind, [unit]);
      else units.push(unit);
    }
  }
}

function scopeOf({ rule, policy }: Unit): EventScope | undefined {
  return (rule ?? policy)!.scope;
}
