import { setTimeout as sleep } from "node:timers/promises";
import type { ContainerFacts } from "./container.ts";
import { DockerClient } from "./docker-client.ts";
import { changeOfEvent, factsOfInspected, factsOfListed, isImageId } from "./docker-facts.ts";
import { RuntimeError } from "./errors.ts";

/** `connecting`: it has not answered yet, but may; `away`: asking it is of no use now. */
export type RuntimeState = "connecting" | "connected" | "away";

export interface DockerRuntimeOptions {
  socket: string;
  onFacts: (facts: ContainerFacts) => void;
  /** An event says so: labels that are named as what events have themselves (`name`) are not in it. */
  onEvent: (facts: ContainerFacts) => void;
  /** The runtime has removed a container. */
  onRemoved: (id: string) => void;
  /** Ids of those of its containers that are known. */
  known: () => string[];
  /** All containers that there are, after each connect; and which of those that were known before are no more. */
  onList: (all: ContainerFacts[], gone: string[]) => void;
  onState: (state: RuntimeState, reason: string) => void;
  /** In ms; shorter in tests. */
  times?: Partial<typeof TIMES>;
}

const TIMES = { answer: 2_000, list: 10_000, ping: 10_000, retry: 100, retryMax: 5_000 };

const EVENTS = `/events?filters=${encodeURIComponent(JSON.stringify({ type: ["container"] }))}`;

/**
 * One Docker-compatible runtime (Docker, podman): who its containers are, from its list, then from its events. It may
 * come, go, restart and hang as it likes: nothing here waits longer than it says.
 */
export class DockerRuntime {
  readonly counters = { connects: 0, asked: 0, failures: 0 };
  readonly #options: DockerRuntimeOptions;
  readonly #times: typeof TIMES;
  readonly #client: DockerClient;
  readonly #stopping = new AbortController();
  /** Ends the present connection. */
  #connection = new AbortController();
  /** Settled when the first try to connect is decided. */
  readonly #decided = Promise.withResolvers<void>();
  #state: RuntimeState = "connecting";
  #reason = "";

  constructor(options: DockerRuntimeOptions) {
    this.#options = options;
    this.#times = { ...TIMES, ...options.times };
    this.#client = new DockerClient(options.socket);
  }

  get socket(): string {
    return this.#options.socket;
  }

  get state(): RuntimeState {
    return this.#state;
  }

  /** Why it is away; "" otherwise. */
  get reason(): string {
    return this.#reason;
  }

  start(): void {
    void this.#run();
  }

  /**
   * Who a container is; null when this runtime does not say (it has no such one, or does not answer). Never throws. It is
   * a list of one: Docker answers for the container itself only when it is through with starting it.
   */
  async ask(id: string): Promise<ContainerFacts | null> {
    if (this.#state === "connecting") await this.#decided.promise;
    if (this.#state !== "connected") return null;
    this.counters.asked++;
    try {
      const [facts] = await this.#getList(`&filters=${encodeURIComponent(JSON.stringify({ id: [id] }))}`);
      return facts?.id === id ? facts : null;
    } catch (error) {
      this.#fail(error);
      return null;
    }
  }

  close(): void {
    this.#stopping.abort();
    this.#connection.abort();
    this.#client.close();
  }

  async #run(): Promise<void> {
    let pause = this.#times.retry;
    while (!this.#stopping.signal.aborted) {
      const before = this.counters.connects;
      try {
        await this.#connect();
        if (this.#state !== "away") this.#fail(new RuntimeError("away", "it has ended the connection"));
      } catch (error) {
        this.#fail(error);
      }
      pause = this.counters.connects > before ? this.#times.retry : Math.min(2 * pause, this.#times.retryMax);
      await sleep(pause, undefined, { signal: this.#stopping.signal }).catch(() => {});
    }
  }

  /** Follows the events before it takes the list, so that nothing falls between the two. */
  async #connect(): Promise<void> {
    const connection = new AbortController();
    this.#connection = connection;
    let ping: NodeJS.Timeout | undefined;
    const opened = () => {
      void this.#list(connection.signal);
      ping = setInterval(() => void this.#ping(), this.#times.ping);
    };
    try {
      await this.#client.follow(EVENTS, this.#times.answer, connection.signal, { opened, line: (it) => this.#on(it) });
    } finally {
      clearInterval(ping);
      connection.abort();
    }
  }

  async #list(signal: AbortSignal): Promise<void> {
    try {
      // what is announced from here on is not in the list, and still there
      const known = this.#options.known();
      const all = await this.#getList();
      if (signal.aborted) return;
      this.counters.connects++;
      this.#become("connected", "");
      const there = new Set(all.map(({ id }) => id));
      this.#options.onList(
        all,
        known.filter((id) => !there.has(id)),
      );
      for (const { id, image } of all) if (isImageId(image) && !signal.aborted) await this.#nameImage(id);
    } catch (error) {
      if (!signal.aborted) this.#fail(error);
    }
  }

  async #getList(filter = ""): Promise<ContainerFacts[]> {
    const path = `/containers/json?all=1${filter}`;
    const answer = await this.#client.get(path, filter === "" ? this.#times.list : this.#times.answer);
    if (!Array.isArray(answer)) throw new RuntimeError("answer", `${path}: not a list`);
    return answer.map(factsOfListed).filter((facts) => facts !== undefined);
  }

  /** The name of a container's image, when it can be had: without, its id stays. */
  async #nameImage(id: string): Promise<void> {
    try {
      const facts = factsOfInspected(await this.#client.get(`/containers/${id}/json`, this.#times.answer));
      if (facts !== undefined) this.#options.onFacts(facts);
    } catch {
      this.counters.failures++;
    }
  }

  async #ping(): Promise<void> {
    try {
      await this.#client.get("/version", this.#times.answer);
    } catch (error) {
      this.#fail(error);
    }
  }

  #on(event: unknown): void {
    const change = changeOfEvent(event);
    if (change === undefined) return;
    if (change.facts === null) this.#options.onRemoved(change.id);
    else this.#options.onEvent(change.facts);
  }

  /** From now on nobody waits for it, until it answers again. */
  #fail(error: unknown): void {
    if (this.#stopping.signal.aborted) return;
    if (this.#state === "connected") this.counters.failures++;
    this.#become("away", (error as Error).message);
    this.#connection.abort();
  }

  #become(state: RuntimeState, reason: string): void {
    const before = this.#state;
    this.#state = state;
    this.#reason = reason;
    this.#decided.resolve();
    if (before !== state) this.#options.onState(state, reason);
  }
}
