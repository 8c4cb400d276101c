import type { Container } from "./container.ts";

/** Takes events: kind, kernel time, members after `time`. */
export type AddEvent = (kind: string, time: bigint, members: string) => void;

interface Waiting {
  kind: string;
  time: bigint;
  members: string;
}

/** What may wait at most, over all containers. */
const EVENTS_MAX = 16_384;
const CHARACTERS_MAX = 32 * 1024 * 1024;

/**
 * Holds the events of containers of which it is being asked who they are. What has no such container passes; of one
 * container nothing overtakes anything. Whoever asks decides in time, so nothing waits for long.
 */
export class EventGate {
  /** Events that waited, those that then went out with a container that nobody knows, and those let go for want of room. */
  readonly counters = { waited: 0, unknown: 0, crowded: 0 };
  readonly #add: AddEvent;
  readonly #waiting = new Map<Container, Waiting[]>();
  #events = 0;
  #characters = 0;

  constructor(add: AddEvent) {
    this.#add = add;
  }

  get size(): number {
    return this.#events;
  }

  add(kind: string, time: bigint, members: string, container: Container | null): void {
    if (container === null || container.state === "known") {
      this.#add(kind, time, members);
      return;
    }
    if (container.state === "unknown") {
      this.counters.unknown++;
      this.#add(kind, time, members);
      return;
    }
    while (this.#events >= EVENTS_MAX || this.#characters + members.length > CHARACTERS_MAX) {
      const first = this.#waiting.keys().next();
      if (first.done === true) break;
      this.counters.crowded += this.#waiting.get(first.value)!.length;
      this.release(first.value);
    }
    this.counters.waited++;
    this.#events++;
    this.#characters += members.length;
    const queue = this.#waiting.get(container);
    if (queue === undefined) this.#waiting.set(container, [{ kind, time, members }]);
    else queue.push({ kind, time, members });
  }

  /** Lets go what waits for this container, with what is known of it now. */
  release(container: Container): void {
    const queue = this.#waiting.get(container);
    if (queue === undefined) return;
    this.#waiting.delete(container);
    this.#events -= queue.length;
    if (container.state !== "known") this.counters.unknown += queue.length;
    const known = container.state === "known";
    const nameless = container.namelessJson;
    for (const { kind, time, members } of queue) {
      this.#characters -= members.length;
      this.#add(kind, time, known ? members.replace(nameless, () => container.json) : members);
    }
  }

  /** Lets everything go. */
  flush(): void {
    for (const container of [...this.#waiting.keys()]) this.release(container);
  }

  /** Kernel time of the oldest event that waits. */
  oldest(): bigint | undefined {
    let oldest: bigint | undefined;
    for (const [first] of this.#waiting.values())
      if (first !== undefined && (oldest === undefined || first.time < oldest)) oldest = first.time;
    return oldest;
  }
}
