import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { EngineBus, EngineMember } from "../../bus/clients/engine.ts";
import type { Logger } from "../../bus/log.ts";
import { PARTITIONS } from "../../bus/partition.ts";
import { reasonOf } from "../errors.ts";
import { assign } from "./assign.ts";

const BEAT_MS = 1000;
/** A look between two beats while somebody else still has what is ours, or has yet to take what was. */
const HANDOVER_MS = 200;
/** An engine that said nothing for so long is gone. */
const GONE_MS = 3500;
/** So long an engine that ends waits for what it has in work; what is left comes again, at another one. */
const LEAVE_LIMIT_MS = 4000;

/**
 * Which partitions this engine reads: it says every second that it is there and what it reads, sees who else is, and takes
 * its share. No engine asks another one, and none is in charge. A partition is taken only when nobody holds it any more, so
 * that what its last reader remembered is all stored.
 */
export class Ownership {
  readonly #bus: EngineBus;
  readonly #id: string;
  readonly #able: readonly number[];
  readonly #log: Logger;
  /** What this engine said that it holds. */
  #holds: number[] = [];
  #waits = false;
  /** The bus was away: nobody could say anything, and nobody is gone before all had time to. */
  #wasAway = false;
  #patientUntil = 0;
  /** Who was there when it was looked last. */
  #there = new Set<string>();

  /** @param able the partitions that the configuration lets this engine read */
  constructor(bus: EngineBus, name: string, able: readonly number[], log: Logger) {
    this.#bus = bus;
    // Two engines may have one name by mistake; they share all the same.
    this.#id = `${name}-${randomBytes(4).toString("hex")}`;
    this.#able = able;
    this.#log = log;
  }

  get owned(): readonly number[] {
    return this.#holds;
  }

  /**
   * Until the signal aborts; then all is left, and the others are told. `onChange` is called with what is to be read from now
   * on, and resolves when nothing is in work of what is not.
   */
  async run(signal: AbortSignal, onChange: (owned: readonly number[]) => Promise<void>): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#beat(onChange);
      } catch (thrown) {
        this.#wasAway = true;
        // What it has it keeps: without a bus there is nothing to read anyway.
        this.#log.debug({ reason: reasonOf(thrown) }, "it could not be seen which engines are there");
      }
      await sleep(this.#waits ? HANDOVER_MS : BEAT_MS, undefined, { signal }).catch(() => {});
    }
    const limit = this.#bus.bus.connected ? LEAVE_LIMIT_MS : 0;
    await Promise.race([this.#saying(onChange([])), sleep(limit, undefined, { ref: false })]);
    this.#holds = [];
    await this.#bus.deleteMember(this.#id).catch(() => {});
  }

  async #beat(onChange: (owned: readonly number[]) => Promise<void>): Promise<void> {
    await this.#say();
    const before = await this.#look();
    const kept = this.#holds.filter((it) => before.share.includes(it));
    if (kept.length < this.#holds.length) {
      await this.#saying(onChange(kept));
      await this.#hold(kept, before.engines);
    }
    const free = before.share.filter((it) => !before.held.has(it));
    this.#waits = free.length < before.share.length;
    if (free.length === kept.length) return;
    // Said first, then looked at once more: should another one have said the same, the one whose share it is goes on.
    await this.#hold(free, before.engines);
    const after = await this.#look();
    const taken = free.filter((it) => after.share.includes(it) && !after.held.has(it));
    if (taken.length < free.length) {
      this.#waits = true;
      await this.#hold(taken, after.engines);
    }
    await this.#saying(onChange(taken));
  }

  async #look(): Promise<{ share: number[]; held: Set<number>; engines: number }> {
    const all = await this.#bus.members();
    if (this.#wasAway) [this.#wasAway, this.#patientUntil] = [false, performance.now() + GONE_MS];
    const patient = performance.now() < this.#patientUntil;
    const now = new Set(present(all).map(({ id }) => id));
    const there = all.filter(({ id }) => now.has(id) || (patient && this.#there.has(id)));
    this.#there = new Set(there.map(({ id }) => id));
    const others = there.filter(({ id }) => id !== this.#id);
    return {
      share: assign(PARTITIONS, there).get(this.#id) ?? [],
      held: new Set(others.flatMap(({ holds }) => holds)),
      engines: there.length,
    };
  }

  async #hold(partitions: number[], engines: number): Promise<void> {
    this.#holds = partitions;
    this.#log.info({ partitions: partitions.join(","), engines }, "reads these partitions");
    await this.#say();
  }

  /** A change may take its time: whoever says nothing meanwhile would be taken for gone. */
  async #saying(change: Promise<void>): Promise<void> {
    const timer = setInterval(() => void this.#say().catch(() => {}), BEAT_MS);
    try {
      await change;
    } finally {
      clearInterval(timer);
    }
  }

  async #say(): Promise<void> {
    await this.#bus.putMember(this.#id, this.#able, this.#holds);
  }
}

/** Those that have said something lately, by the server's clock. */
export function present(members: readonly EngineMember[]): EngineMember[] {
  const newest = Math.max(...members.map(({ time }) => time));
  return members.filter(({ time }) => newest - time < GONE_MS);
}
