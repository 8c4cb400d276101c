import { eventSubject } from "../../bus/subjects.ts";
import { encodeToken } from "../../bus/tokens.ts";
import type { WallClock } from "../events/clock.ts";
import type { EventMessage } from "./message.ts";

/** Events in one message, as long as the bus keeps up. */
const EVENTS_MAX = 64;
/** Characters in one message; the bus takes 1 MB. */
const CHARS_MAX = 128 * 1024;
const FLUSH_MS = 100;
/** Kinds that somebody waits for: sent right after the drain that brought them. */
const URGENT = new Set(["process_exec", "denial", "gap"]);

export interface BatcherOptions {
  node: string;
  /** First part of the boot id. */
  boot: string;
  epoch: number;
  clock: WallClock;
  send: (message: EventMessage) => void;
  /** Messages that the bus has not taken yet: many of them make the batches larger. */
  waiting: () => number;
  now?: () => number;
}

interface Batch {
  kind: string;
  subject: string;
  /** `{"id":"<node>/<boot>/<epoch>/<kind>/` */
  head: string;
  idHead: string;
  /** What stands between the seq and the time. */
  middle: string;
  seq: number;
  lines: string;
  chars: number;
  count: number;
  firstSeq: number;
  from: bigint;
  to: bigint;
  since: number;
}

/** Numbers the events of each kind and puts them together to messages. */
export class EventBatcher {
  readonly #options: BatcherOptions;
  readonly #now: () => number;
  readonly #batches = new Map<string, Batch>();

  constructor(options: BatcherOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  /** Adds one event: `members` are its JSON members after `time`, without braces; `time` is ns since boot. */
  add(kind: string, time: bigint, members: string): void {
    const batch = this.#batches.get(kind) ?? this.#open(kind);
    const seq = ++batch.seq;
    if (batch.count === 0) {
      batch.firstSeq = seq;
      batch.from = time;
      batch.since = this.#now();
    }
    const line = `${batch.head}${seq}${batch.middle}${this.#options.clock.format(time)}",${members}}\n`;
    batch.lines += line;
    batch.chars += line.length;
    batch.to = time;
    batch.count++;
    // a bus that does not keep up gets fewer, larger messages
    if (batch.chars >= CHARS_MAX || (batch.count >= EVENTS_MAX && !this.#slow())) this.#send(batch);
  }

  /** After each drain: sends what is urgent or old. */
  flushDue(): void {
    const now = this.#now();
    const waiting = this.#options.waiting();
    const patience = waiting > 256 ? 10 * FLUSH_MS : FLUSH_MS;
    for (const batch of this.#batches.values()) {
      if (batch.count === 0) continue;
      if ((waiting <= 16 && URGENT.has(batch.kind)) || now - batch.since >= patience) this.#send(batch);
    }
  }

  /** Sends everything. */
  flush(): void {
    for (const batch of this.#batches.values()) if (batch.count > 0) this.#send(batch);
  }

  /** Last number given to each kind. */
  sequences(): Record<string, number> {
    return Object.fromEntries([...this.#batches.values()].map((batch) => [batch.kind, batch.seq]));
  }

  /** Kernel time of the oldest event that no message carries yet. */
  oldest(): bigint | undefined {
    let oldest: bigint | undefined;
    for (const batch of this.#batches.values())
      if (batch.count > 0 && (oldest === undefined || batch.from < oldest)) oldest = batch.from;
    return oldest;
  }

  #slow(): boolean {
    return this.#options.waiting() > 64;
  }

  #open(kind: string): Batch {
    const { node, boot, epoch } = this.#options;
    const idHead = `${encodeToken(node)}/${boot}/${epoch}/${kind}/`;
    const batch: Batch = {
      kind,
      subject: eventSubject(kind, node),
      idHead,
      head: `{"id":"${idHead}`,
      middle: `","kind":"${kind}","node":${JSON.stringify(node)},"time":"`,
      seq: 0,
      lines: "",
      chars: 0,
      count: 0,
      firstSeq: 0,
      from: 0n,
      to: 0n,
      since: 0,
    };
    this.#batches.set(kind, batch);
    return batch;
  }

  #send(batch: Batch): void {
    this.#options.send({
      subject: batch.subject,
      payload: Buffer.from(batch.lines, "utf8"),
      id: `${batch.idHead}${batch.firstSeq}`,
      kind: batch.kind,
      count: batch.count,
      from: batch.from,
      to: batch.to,
    });
    batch.lines = "";
    batch.chars = 0;
    batch.count = 0;
  }
}
