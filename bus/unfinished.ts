import { ACK_WAIT } from "./streams.ts";

/** How often messages that take long are said to be worked on, in ms. The first time may be after twice as long. */
const TELL_EVERY = ACK_WAIT * 0.3;
/** For so many turns more after the end, for those whose work is being brought to its end. */
const TURNS_AFTER_END = 6;

/**
 * Messages that were handed out and are not done with, whether they wait in a queue or are worked on. Those that have been
 * so for longer than a turn are said to be worked on each turn, so that `ACK_WAIT` can be short: it is how long the messages
 * of an engine that died wait for another.
 */
export class Unfinished {
  #young = new Set<{ working(): void }>();
  #old = new Set<{ working(): void }>();
  readonly #timer: NodeJS.Timeout;
  #turnsLeft = Infinity;

  constructor() {
    this.#timer = setInterval(() => this.#turn(), TELL_EVERY);
    this.#timer.unref();
  }

  add(message: { working(): void }): void {
    this.#young.add(message);
  }

  delete(message: { working(): void }): void {
    if (!this.#young.delete(message)) this.#old.delete(message);
  }

  /** No more will be added. What is never finished is given up, so that it comes again. */
  end(): void {
    this.#turnsLeft = Math.min(this.#turnsLeft, TURNS_AFTER_END);
  }

  #turn(): void {
    for (const message of this.#young) this.#old.add(message);
    this.#young.clear();
    for (const message of this.#old) message.working();
    if (this.#turnsLeft-- <= 0) clearInterval(this.#timer);
  }
}
