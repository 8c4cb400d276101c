import type { Config } from "../bus/config/settings.ts";
import { bootId, shortBootId } from "../bus/boot.ts";
import { packEvents } from "../bus/event-codec.ts";
import type { WallClock } from "./events/clock.ts";
import { EventBatcher } from "./publish/batcher.ts";
import { publishGap, publishRestart } from "./publish/gaps.ts";
import { LossBook } from "./publish/losses.ts";
import { Outbox, type Publish } from "./publish/outbox.ts";
import { readRunState, writeRunState } from "./publish/run-state.ts";

const KINDS = ["process_exec", "process_exit", "denial"];
/** What may lie in the ring unread; an agent that is killed never reads it. */
const UNREAD_NS = 250_000_000n;
const SECRET_KINDS = new Set(["process_clone", "process_seed", "cgroup", "unknown"]);

/** From events to the bus: numbers and batches them, keeps them until they are stored, says what is missing. */
export class Sender {
  readonly epoch: number;
  readonly batcher: EventBatcher;
  readonly outbox: Outbox;
  readonly losses = new LossBook();
  readonly counters = { messages: 0, events: 0 };
  readonly #dataDir: string;
  readonly #clock: WallClock;
  readonly #maxBytes: number;
  readonly #lastTime: string | null;
  #oldestHeld: () => bigint | undefined = () => undefined;
  #readUntil: bigint | null = null;

  /** Counts this run up. */
  constructor(config: Config, clock: WallClock, publish: Publish) {
    this.#dataDir = config.data_dir;
    this.#clock = clock;
    this.#maxBytes = config.agent.buffer_mb * 1024 * 1024;
    const before = readRunState(config.data_dir);
    this.epoch = (before?.epoch ?? 0) + 1;
    this.outbox = new Outbox({
      publish,
      maxBytes: this.#maxBytes,
      onLost: ({ kind, count, from, to }, reason) => this.losses.add({ kind, count, from, to, reason }),
      onSent: (message) => {
        this.counters.messages++;
        this.counters.events += message.count;
      },
    });
    this.batcher = new EventBatcher({
      node: config.node,
      boot: shortBootId(),
      epoch: this.epoch,
      clock,
      ...(config.agent.compress ? { pack: packEvents } : {}),
      send: (message) => this.outbox.push(message),
      waiting: () => this.outbox.waiting,
    });
    this.#lastTime = before === null ? null : before.last_time || clock.format(0n);
    // before anything is published: a run that dies at once has used its epoch
    this.save(before?.last_time);
  }

  /** Says the gap since the run before; to be called once the programs are attached, for it ends then. */
  sayRestart(): void {
    if (this.#lastTime !== null) publishRestart(this.batcher, this.#clock, this.#lastTime, KINDS);
  }

  /** From here on the ring is not read any more: what happens now is in the next run's gap. */
  readNoMore(): void {
    this.#readUntil = this.#clock.now();
  }

  /** Tells of events that are held back before they come to the batcher: the time of the oldest. */
  alsoHeld(oldest: () => bigint | undefined): void {
    this.#oldestHeld = oldest;
  }

  /** Publishes what has been lost since the last call. While the bus takes nothing it is kept. */
  sayLosses(): void {
    if (this.outbox.bytes > this.#maxBytes / 2) return;
    // a fork is no event of its own, the processes that it would have told of tell of themselves; cgroups are looked for
    for (const gap of this.losses.take()) if (!SECRET_KINDS.has(gap.kind)) publishGap(this.batcher, this.#clock, gap);
  }

  /** Notes for the next run until when everything is stored. */
  save(lastTime?: string): void {
    writeRunState(this.#dataDir, {
      boot: bootId(),
      epoch: this.epoch,
      last_time: lastTime ?? this.#clock.format(this.#stored()),
      sequences: this.batcher.sequences(),
    });
  }

  /** Sends what is left, waits for the bus at most `ms`, and closes. */
  async finish(ms: number): Promise<void> {
    this.sayLosses();
    this.batcher.flush();
    await this.outbox.drained(ms);
    this.save();
    this.outbox.close();
  }

  #stored(): bigint {
    const waiting = [this.outbox.oldest(), this.batcher.oldest(), this.#oldestHeld()].filter(
      (time) => time !== undefined,
    );
    const read = this.#readUntil ?? this.#clock.now() - UNREAD_NS;
    return waiting.reduce((oldest, time) => (time < oldest ? time : oldest), read);
  }
}
