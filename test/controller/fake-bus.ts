import { BusError } from "../../bus/errors.ts";
import { createLogger } from "../../bus/log.ts";
import type { DesiredEntry } from "../../bus/types/desired.ts";
import type { ActivatedRuleSet, Activation, RuleSetInfo } from "../../bus/types/rule-set.ts";
import type {
  ControllerBus,
  ControlHandler,
  DecisionMessage,
  DemandChange,
  DesiredBucket,
  DesiredChange,
  RuleSetStore,
} from "../../controller/port.ts";

export const SILENT = createLogger("test", "silent");

/** A push list that is read once, until `signal`. */
class Feed<T> {
  readonly #items: T[] = [];
  #wake: (() => void) | undefined;

  push(item: T): void {
    this.#items.push(item);
    this.#wake?.();
  }

  async *read(signal: AbortSignal): AsyncIterable<T> {
    const wake = (): void => this.#wake?.();
    signal.addEventListener("abort", wake);
    while (!signal.aborted) {
      const item = this.#items.shift();
      if (item !== undefined) yield item;
      else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
    signal.removeEventListener("abort", wake);
  }
}

/** A bucket in memory with the real one's compare-and-set. `delayWatch` holds back what the watch tells. */
export class FakeDesired implements DesiredBucket {
  readonly entries = new Map<string, { entry: DesiredEntry; revision: number }>();
  revision = 0;
  /** Called before each write: somebody else's chance to write in between, or the bus's to fail. */
  beforeWrite: (key: string) => void = () => undefined;
  readonly #feed = new Feed<DesiredChange | null>();

  async *watch(signal: AbortSignal): AsyncIterable<DesiredChange | null> {
    for (const [key, { entry, revision }] of this.entries) yield { key, entry, revision, problem: null };
    yield null;
    yield* this.#feed.read(signal);
  }

  get(key: string): Promise<DesiredChange | null> {
    const found = this.entries.get(key);
    return Promise.resolve(found === undefined ? null : { key, ...found, problem: null });
  }

  async put(key: string, entry: DesiredEntry, revision: number): Promise<number> {
    await this.#check(key, revision);
    this.set(key, entry);
    return this.revision;
  }

  async delete(key: string, revision: number): Promise<void> {
    await this.#check(key, revision);
    this.entries.delete(key);
    this.#feed.push({ key, entry: null, revision: ++this.revision, problem: null });
  }

  /** A write of somebody else's. */
  set(key: string, entry: DesiredEntry): void {
    const revision = ++this.revision;
    this.entries.set(key, { entry, revision });
    this.#feed.push({ key, entry, revision, problem: null });
  }

  malform(key: string, problem: string): void {
    this.#feed.push({ key, entry: null, revision: ++this.revision, problem });
  }

  #check(key: string, revision: number): Promise<void> {
    this.beforeWrite(key);
    const present = this.entries.get(key)?.revision ?? 0;
    if (present === revision) return Promise.resolve();
    return Promise.reject(new BusError("conflict", `${key} is at ${present}, not ${revision}`));
  }
}

export class FakeRuleSets implements RuleSetStore {
  readonly published: { bytes: Uint8Array; info: RuleSetInfo; time: number; activation?: Activation }[] = [];
  failures = 0;

  publish(bytes: Uint8Array, info: RuleSetInfo): Promise<void> {
    if (this.failures-- > 0) return Promise.reject(new BusError("timeout", "no answer"));
    this.published.push({ bytes, info, time: Date.now() });
    return Promise.resolve();
  }

  select(digest: string, activation: Activation): Promise<RuleSetInfo> {
    const found = this.published.find(({ info }) => info.digest === digest);
    if (found === undefined) return Promise.reject(new BusError("not_found", `no rule set ${digest}`));
    this.published.push({ ...found, activation });
    return Promise.resolve(found.info);
  }

  current(): Promise<ActivatedRuleSet | null> {
    const last = this.published.at(-1);
    if (last === undefined) return Promise.resolve(null);
    const { info, activation = { source: "build", by: null, over: null } } = last;
    return Promise.resolve({ ...info, activated_at: info.built_at, activation });
  }
}

/** A decision as delivered; `ended` says how it ended. */
export function makeMessage(
  value: unknown,
  options: Partial<DecisionMessage> = {},
): DecisionMessage & { ended: string[] } {
  const ended: string[] = [];
  return {
    subject: "reeve.decisions.test",
    data: value instanceof Uint8Array ? value : Buffer.from(typeof value === "string" ? value : JSON.stringify(value)),
    sequence: 1,
    time: Date.now(),
    deliveries: 1,
    ended,
    ack: () => end("ack"),
    nak: () => end("nak"),
    term: (reason) => end(`term ${reason}`),
    ...options,
  };
  function end(how: string): void {
    ended.push(how);
  }
}

export class FakeBus implements ControllerBus {
  readonly desired = new FakeDesired();
  readonly ruleSets = new FakeRuleSets();
  readonly statuses = new Map<string, unknown>();
  handlers: Readonly<Record<string, ControlHandler>> = {};
  readonly #feed = new Feed<DecisionMessage>();
  readonly #demands = new Feed<DemandChange | null>();

  demand(key: string, demand: object | null): void {
    this.#demands.push({ key, data: demand === null ? null : Buffer.from(JSON.stringify(demand)) });
  }

  async *demands(signal: AbortSignal): AsyncIterable<DemandChange | null> {
    yield null;
    yield* this.#demands.read(signal);
  }

  decide(message: DecisionMessage): void {
    this.#feed.push(message);
  }

  decisions(signal: AbortSignal): AsyncIterable<DecisionMessage> {
    return this.#feed.read(signal);
  }

  putStatus(status: object): Promise<void> {
    this.statuses.set("controller", status);
    return Promise.resolve();
  }

  readStatus(): ReadonlyMap<string, unknown> {
    return this.statuses;
  }

  serveControl(handlers: Readonly<Record<string, ControlHandler>>): void {
    this.handlers = handlers;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
