import { eventSubject } from "../../bus/subjects.ts";
import { encodeToken } from "../../bus/tokens.ts";
import type { WallClock } from "../events/clock.ts";
import type { EventMessage } from "./message.ts";

/** Events in one message, as long as the bus keeps up. */
const EVENTS_MAX = 64;
/** Bytes in one message; the bus takes 1 MB. */
const BYTES_MAX = 128 * 1024;
/** Room of a kind's buffer: a message and the longest event that may still come into it. */
const BUFFER_BYTES = 2 * BYTES_MAX;
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
  /** The lines as they are sent; the memory that it is given changes afterwards. Default: a copy. */
  pack?: (lines: Uint8Array) => Uint8Array;
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
  /** The lines, written in place: strings that grow would be copied once more, and are what the collector works on. */
  buffer: Buffer;
  bytes: number;
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
  readonly #pack: (lines: Uint8Array) => Uint8Array;
  readonly #batches = new Map<string, Batch>();

  constructor(options: BatcherOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#pack = options.pack ?? ((lines) => Buffer.copyBytesFrom(lines));
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
    this.#write(batch, line);
    // what waited is older than what did not
    if (time < batch.from) batch.from = time;
    if (batch.count === 0 || time > batch.to) batch.to = time;
    batch.count++;
    // a bus that does not keep up gets fewer, larger messages
    if (batch.bytes >= BYTES_MAX || (batch.count >= EVENTS_MAX && !this.#slow())) this.#send(batch);
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

  /** Nothing happens any more: sends what waits, unless the bus is behind. Whether nothing is left. */
  flushQuiet(): boolean {
    if (this.#options.waiting() <= 16) this.flush();
    return this.oldest() === undefined;
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

  /** A character is three bytes at most. */
  #write(batch: Batch, line: string): void {
    const needed = batch.bytes + line.length * 3;
    if (needed > batch.buffer.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(needed, BUFFER_BYTES));
      batch.buffer.copy(larger, 0, 0, batch.bytes);
      batch.buffer = larger;
    }
    batch.bytes += batch.buffer.write(line, batch.bytes, "utf8");
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
      buffer: Buffer.alloc(0),
      bytes: 0,
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
      payload: this.#pack(batch.buffer.subarray(0, batch.bytes)),
      id: `${batch.idHead}${batch.firstSeq}`,
      kind: batch.kind,
      count: batch.count,
      from: batch.from,
      to: batch.to,
    });
    batch.bytes = 0;
    batch.count = 0;
    // a buffer that a single giant made larger is not kept
    if (batch.buffer.length > 2 * BUFFER_BYTES) batch.buffer = Buffer.alloc(0);
  }
}
