/**
 * A queue between one side that pushes and one that iterates. `take` hands out what is there or waits; `close` lets the
 * iterator finish what is queued, `fail` ends it with an error after that.
 */
export class AsyncQueue<T> implements AsyncIterable<T> {
  #items: T[] = [];
  #head = 0;
  #waiting: ((result: IteratorResult<T>) => void)[] = [];
  #ended = false;
  #error: unknown = null;
  readonly #onEnd: (() => void) | undefined;
  readonly #onTake: (() => void) | undefined;

  /** `onEnd` is called once when nobody will take any more, `onTake` after each item that was taken. */
  constructor(hooks: { onEnd?: () => void; onTake?: () => void } = {}) {
    this.#onEnd = hooks.onEnd;
    this.#onTake = hooks.onTake;
  }

  get size(): number {
    return this.#items.length - this.#head;
  }

  get ended(): boolean {
    return this.#ended;
  }

  push(item: T): void {
    if (this.#ended) return;
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#items.push(item);
    else {
      waiting({ value: item, done: false });
      this.#onTake?.();
    }
  }

  close(): void {
    this.#end(null);
  }

  fail(error: unknown): void {
    this.#end(error);
  }

  async next(): Promise<IteratorResult<T>> {
    if (this.size > 0) {
      const value = this.#items[this.#head++]!;
      if (this.#head > 1024 && this.#head * 2 > this.#items.length) {
        this.#items = this.#items.slice(this.#head);
        this.#head = 0;
      }
      this.#onTake?.();
      return { value, done: false };
    }
    if (this.#error !== null) throw this.#error;
    if (this.#ended) return { value: undefined, done: true };
    const { promise, resolve } = Promise.withResolvers<IteratorResult<T>>();
    this.#waiting.push(resolve);
    return promise;
  }

  [Symbol.asyncIterator](): AsyncIterator<T> {
    return {
      next: () => this.next(),
      return: () => {
        this.#items = [];
        this.#head = 0;
        this.close();
        return Promise.resolve({ value: undefined, done: true });
      },
    };
  }

  #end(error: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    for (const waiting of this.#waiting.splice(0)) {
      // A waiting taker of a failed queue gets the end; the error comes with its next call.
      waiting({ value: undefined, done: true });
    }
    this.#onEnd?.();
  }
}
