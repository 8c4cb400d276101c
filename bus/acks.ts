import type { BusConnection } from "./connection.ts";

const MOST = 256;

/**
 * Acknowledgements that may wait a little, sent together: each alone would be a write of its own to the socket, which costs
 * more than evaluating what is acknowledged. What is not sent when the connection ends comes again.
 */
export class Acks {
  readonly #bus: BusConnection;
  readonly #delay: number;
  #waiting: { reply: string; onSent: () => void }[] = [];
  #timer: NodeJS.Timeout | null = null;

  /** @param delay milliseconds that one may wait; 0: none does */
  constructor(bus: BusConnection, delay: number) {
    this.#bus = bus;
    this.#delay = delay;
  }

  add(reply: string, onSent: () => void): void {
    this.#waiting.push({ reply, onSent });
    if (this.#delay === 0 || this.#waiting.length >= MOST) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), this.#delay);
  }

  flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { reply, onSent } of waiting) {
      if (this.#bus.connected) this.#bus.publish(reply, "+ACK");
      onSent();
    }
  }
}
