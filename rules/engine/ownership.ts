import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { EngineBus, EngineMember } from "../../bus/clients/engine.ts";
import type { Logger } from "../../bus/log.ts";
import { PARTITIONS } from "../../bus/partition.ts";
import { reasonOf } from "../errors.ts";
import { assign } from "./assign.ts";

const BEAT_MS = 1000;
/** An engine that said nothing for so long is gone. */
const GONE_MS = 3500;

/**
 * Which partitions this engine reads: it says every second that it is there, sees who else is, and takes its share. No engine
 * asks another one, and none is in charge. Two may read the same partition for a moment: the server gives each message to
 * one of them.
 */
export class Ownership {
  readonly #bus: EngineBus;
  readonly #id: string;
  readonly #able: readonly number[];
  readonly #log: Logger;
  #owned: readonly number[] = [];

  /** @param able the partitions that the configuration lets this engine read */
  constructor(bus: EngineBus, name: string, able: readonly number[], log: Logger) {
    this.#bus = bus;
    // Two engines may have one name by mistake; they share all the same.
    this.#id = `${name}-${randomBytes(4).toString("hex")}`;
    this.#able = able;
    this.#log = log;
  }

  get owned(): readonly number[] {
    return this.#owned;
  }

  /** Until the signal aborts; then the others are told. `onChange` is called first when it is known who is there. */
  async run(signal: AbortSignal, onChange: (owned: readonly number[]) => void): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#bus.putMember(this.#id, this.#able);
        this.#take(await this.#bus.members(), onChange);
      } catch (thrown) {
        // What it has it keeps: without a bus there is nothing to read anyway.
        this.#log.debug({ reason: reasonOf(thrown) }, "it could not be seen which engines are there");
      }
      await sleep(BEAT_MS, undefined, { signal }).catch(() => {});
    }
    this.#owned = [];
    await this.#bus.deleteMember(this.#id).catch(() => {});
  }

  #take(members: EngineMember[], onChange: (owned: readonly number[]) => void): void {
    const owned = assign(PARTITIONS, present(members)).get(this.#id) ?? [];
    if (owned.length === this.#owned.length && owned.every((it, n) => it === this.#owned[n])) return;
    this.#owned = owned;
    this.#log.info({ partitions: owned.join(","), engines: present(members).length }, "reads these partitions");
    onChange(owned);
  }
}

/** Those that have said something lately, by the server's clock. */
export function present(members: readonly EngineMember[]): EngineMember[] {
  const newest = Math.max(...members.map(({ time }) => time));
  return members.filter(({ time }) => newest - time < GONE_MS);
}
