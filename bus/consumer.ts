import type { Msg } from "nats";
import { Acks } from "./acks.ts";
import type { BusConnection } from "./connection.ts";
import type { InHand } from "./in-hand.ts";
import { deliveryOf, type Delivery } from "./jetstream.ts";
import { Pull } from "./pull.ts";
import type { AsyncQueue } from "./queue.ts";
import { Unfinished } from "./unfinished.ts";

/** A message that a durable consumer handed out. Exactly one of ack, nak and term ends it; without, it comes again. */
export interface StreamMessage {
  subject: string;
  data: Uint8Array;
  /** Sequence in the stream. */
  sequence: number;
  /** When the stream stored it, ms since the epoch. */
  time: number;
  /** How often it has been handed out, this time included. */
  deliveries: number;
  redelivered: boolean;
  /** Where it stands in `inHand`; -1: nowhere. */
  slot: number;
  /** Done. Does not wait; should it get lost, the message comes again. */
  ack(): void;
  /** Done, and the server knows it. @throws {BusError} */
  ackSync(): Promise<void>;
  /** Not now: again, after `ms`. */
  nak(ms?: number): void;
  /** Never again, with the reason. */
  term(reason: string): void;
  /** Still at it: the time limit starts anew. Said by itself of each message that is not done with. */
  working(): void;
}

export interface ConsumeOptions<T> {
  stream: string;
  consumers: string[];
  /** How many messages of each consumer may be unfinished at a time; at most 1000. */
  most: number;
  queue: AsyncQueue<T>;
  /** Where what is unfinished is written down, for whoever watches this thread. */
  inHand?: InHand;
  /** Whether consumers will be left for other readers while this runs. */
  brief?: boolean;
  /** How long acknowledgements may wait for others, in ms; default 0. */
  ackDelay?: number;
  /** What is handed on; null: refused, with a reason of its own. */
  wrap(message: StreamMessage): T | null;
  onMissing?: () => void;
}

/** Durable consumers that feed a queue. */
export interface Consuming {
  /**
   * From now on from these. What others were asked for still comes and is to be finished, for a second at most: resolves when
   * it is.
   */
  from(consumers: readonly string[]): Promise<void>;
  stop(): void;
}

/** Feeds a queue from durable consumers until it ends. Messages stay ours for as long as this process lives. */
export function consume<T>(bus: BusConnection, options: ConsumeOptions<T>): Consuming {
  const unfinished = new Unfinished();
  const { inHand } = options;
  const acks = new Acks(bus, options.ackDelay ?? 0);
  const pulls = new Map<string, Pull>();
  const start = (consumer: string): Pull => {
    const { stream, most, brief = false, onMissing } = options;
    const pull: Pull = new Pull(bus, {
      stream,
      consumer,
      most,
      brief,
      ...(onMissing === undefined ? {} : { onMissing }),
      onMessage: (msg) => {
        const delivery = deliveryOf(msg);
        if (delivery === null) return pull.release();
        const slot = inHand?.take(msg.reply!) ?? -1;
        const message: StreamMessage = streamMessage(bus, acks, msg, delivery, slot, inHand, () => {
          unfinished.delete(message);
          pull.release();
        });
        unfinished.add(message);
        const wrapped = options.wrap(message);
        if (wrapped !== null) options.queue.push(wrapped);
      },
    });
    return pull;
  };
  const from = async (consumers: readonly string[]): Promise<void> => {
    const ended: Promise<void>[] = [];
    for (const [consumer, pull] of pulls) {
      if (consumers.includes(consumer)) continue;
      pulls.delete(consumer);
      ended.push(pull.drain());
    }
    for (const consumer of consumers) if (!pulls.has(consumer)) pulls.set(consumer, start(consumer));
    await Promise.all(ended);
    if (ended.length > 0) acks.flush();
  };
  void from(options.consumers);
  const off = bus.onStatus((status) => {
    if (status.type === "closed") options.queue.close();
  });
  return {
    from,
    stop() {
      off();
      acks.flush();
      unfinished.end();
      for (const pull of pulls.values()) pull.stop();
      pulls.clear();
    },
  };
}

function streamMessage(
  bus: BusConnection,
  acks: Acks,
  msg: Msg,
  delivery: Delivery,
  slot: number,
  inHand: InHand | undefined,
  release: () => void,
): StreamMessage {
  const reply = msg.reply!;
  let open = true;
  const send = (text: string): void => {
    // What cannot be said now need not be: the message comes again.
    if (bus.connected) bus.publish(reply, text);
  };
  const end = (text: string): void => {
    if (!open) return;
    open = false;
    send(text);
    inHand?.drop(slot);
    release();
  };
  return {
    subject: msg.subject,
    data: msg.data,
    sequence: delivery.streamSeq,
    time: delivery.time,
    deliveries: delivery.deliveries,
    redelivered: delivery.deliveries > 1,
    slot,
    ack: () => {
      if (!open) return;
      open = false;
      // In our hands until it is said: a thread that is ended before that has not said it.
      acks.add(reply, () => inHand?.drop(slot));
      release();
    },
    ackSync: async () => {
      if (!open) return;
      open = false;
      inHand?.drop(slot);
      release();
      await bus.request(reply, "+ACK");
    },
    nak: (ms = 0) => end(ms > 0 ? `-NAK ${JSON.stringify({ delay: Math.round(ms * 1e6) })}` : "-NAK"),
    term: (reason) => end(`+TERM ${reason}`),
    working: () => {
      if (open) send("+WPI");
    },
  };
}
