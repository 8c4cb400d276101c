import type { Logger } from "../../bus/log.ts";
import type { NodeStatus } from "../../bus/types/status.ts";
import { containerIdOf } from "../process/container.ts";
import { ContainerBook } from "./book.ts";
import { BundleWatch } from "./bundle-watch.ts";
import { Bundles } from "./bundles.ts";
import type { Container, ContainerFacts } from "./container.ts";
import { DockerRuntime, type DockerRuntimeOptions } from "./docker-runtime.ts";
import { containerCgroups } from "./cgroup-scan.ts";

export interface ContainersOptions {
  /** Sockets of Docker-compatible runtimes. */
  sockets: readonly string[];
  /** Where OCI bundles lie; see Bundles. */
  bundles: readonly string[];
  /** How long events of a container wait for its name, in ms. */
  waitMs: number;
  /** Mount of the v2 hierarchy; undefined where there is none. */
  cgroupRoot: string | undefined;
  /** Events of this container may go. */
  onDecided: (container: Container) => void;
  /** What scopes see of the containers has changed. */
  onChanged: () => void;
  log: Logger;
  times?: DockerRuntimeOptions["times"];
}

/** The containers of this node by name: asked for when their cgroup appears, from whichever runtime knows them. */
export class Containers {
  readonly book: ContainerBook;
  readonly #options: ContainersOptions;
  readonly #runtimes: DockerRuntime[];
  readonly #bundles: Bundles;
  readonly #bundleWatch: BundleWatch;
  readonly #timers = new Set<NodeJS.Timeout>();
  /** A runtime has been heard of: names can be scopes, also while it restarts. */
  #heard = false;

  constructor(options: ContainersOptions) {
    this.#options = options;
    this.book = new ContainerBook({ onDecided: options.onDecided, onChanged: () => options.onChanged() });
    this.#bundles = new Bundles(options.bundles);
    this.#bundleWatch = new BundleWatch({
      bundles: this.#bundles,
      onFound: (facts, file) => this.book.learn(facts, file),
      onGone: (id) => this.#bundleGone(id),
    });
    this.#runtimes = options.sockets.map((socket) => this.#runtime(socket));
  }

  /** Begins to follow the runtimes, and looks for the containers that run. */
  start(): void {
    for (const runtime of this.#runtimes) runtime.start();
    this.#bundleWatch.look();
    this.scan();
  }

  /** The container that a cgroup's path lies in, null when in none; asks who it is when it is new. */
  at(path: string): Container | null {
    const id = containerIdOf(path);
    return id === null ? null : (this.book.get(id) ?? this.#meet(id));
  }

  /** The kernel has made a cgroup; `v2`: its id and path are of that hierarchy. */
  cgroupMade(id: number, path: string, v2: boolean): void {
    const container = this.at(path);
    if (container !== null && v2 && isOwn(path)) this.book.enter(container, id, path);
  }

  /** Also of a v1 hierarchy. */
  cgroupRemoved(id: number, path: string): void {
    const containerId = containerIdOf(path);
    const container = containerId === null ? undefined : this.book.get(containerId);
    if (container !== undefined && isOwn(path)) this.book.leave(container, id, this.#isLasting(container));
  }

  /** Compares the book with the cgroups that there are: at the start, and when the kernel could not tell of some. */
  scan(): void {
    const root = this.#options.cgroupRoot;
    if (root === undefined) return;
    const there = new Set<number>();
    for (const { id, path } of containerCgroups(root)) {
      there.add(id);
      this.cgroupMade(id, path, true);
    }
    for (const container of this.book.all())
      for (const [id, path] of container.cgroups) if (!there.has(id)) this.cgroupRemoved(id, path);
  }

  /** To be called about once a second. */
  tick(): void {
    this.book.sweep();
    this.#bundleWatch.look();
  }

  /** Why names, images, labels and services of containers cannot be told here; undefined when they can. */
  get nameless(): string | undefined {
    const { sockets, bundles } = this.#options;
    if (sockets.length + bundles.length === 0)
      return "agent.container_sockets and agent.container_bundles are empty, so containers have no names here";
    if (this.#heard || this.#bundles.present) return undefined;
    const tried = this.#runtimes.map(({ socket, reason }) => (reason === "" ? socket : `${socket} (${reason})`));
    return `no container runtime has answered yet: ${[...tried, ...bundles].join(", ")}`;
  }

  get counters(): Record<string, number> {
    const { known, unknown, late } = this.book.counters;
    const sum = (key: keyof DockerRuntime["counters"]) =>
      this.#runtimes.reduce((total, { counters }) => total + counters[key], 0);
    return {
      containers_named: known,
      containers_unnamed: unknown,
      containers_named_late: late,
      container_bundles_read: this.#bundles.counters.read,
      container_bundles_unreadable: this.#bundles.counters.unreadable,
      container_runtime_connects: sum("connects"),
      container_runtime_questions: sum("asked"),
      container_runtime_failures: sum("failures"),
    };
  }

  get status(): NonNullable<NodeStatus["containers"]> {
    const all = [...this.book.all()];
    const running = all.filter((container) => container.cgroups.size > 0);
    return {
      running: running.length,
      unnamed: running.filter(({ state }) => state !== "known").length,
      runtimes: this.#runtimes.map(({ socket, state, reason }) => ({ socket, state, ...(reason && { reason }) })),
    };
  }

  close(): void {
    for (const runtime of this.#runtimes) runtime.close();
    this.#bundleWatch.close();
    for (const timer of this.#timers) clearTimeout(timer);
  }

  #meet(id: string): Container {
    const container = this.book.open(id);
    const bundle = this.#bundles.find(id);
    if (bundle !== undefined) return this.book.learn(bundle.facts, bundle.file);
    const able = this.#options.waitMs > 0 ? this.#runtimes.filter(({ state }) => state !== "away") : [];
    if (able.length === 0) this.book.giveUp(container);
    else void this.#ask(container, able);
    return container;
  }

  /** Whoever says it first; nobody when all have denied it, or when it takes too long (a later answer still counts). */
  async #ask(container: Container, runtimes: DockerRuntime[]): Promise<void> {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.book.giveUp(container);
    }, this.#options.waitMs);
    this.#timers.add(timer);
    await Promise.all(
      runtimes.map(async (runtime) => {
        const facts = await runtime.ask(container.id);
        if (facts !== null) this.book.learn(facts, runtime.socket);
      }),
    );
    clearTimeout(timer);
    this.#timers.delete(timer);
    this.book.giveUp(container);
  }

  /** A container whose cgroup is gone already, or never came. */
  #bundleGone(id: string): void {
    const container = this.book.get(id);
    if (container?.cgroups.size === 0 && !this.#isLasting(container)) this.book.removed(id);
  }

  #isLasting(container: Container): boolean {
    return this.#options.sockets.includes(container.source);
  }

  #runtime(socket: string): DockerRuntime {
    const { log, times } = this.#options;
    const learn = (facts: ContainerFacts) => this.book.learn(facts, socket);
    const runtime: DockerRuntime = new DockerRuntime({
      socket,
      onFacts: learn,
      onEvent: (facts) => this.#onEvent(facts, runtime),
      onRemoved: (id) => this.book.removed(id),
      known: () => [...this.book.all()].flatMap(({ id, source }) => (source === socket ? [id] : [])),
      onList: (all, gone) => {
        all.forEach(learn);
        for (const id of gone) this.book.removed(id);
      },
      onState: (state, reason) => {
        if (state === "connected") {
          this.#heard = true;
          log.info({ socket }, "containers are known by their names");
        } else if (this.#heard) log.warn({ socket, reason }, "a container runtime does not answer");
        this.#options.onChanged();
      },
      ...(times === undefined ? {} : { times }),
    });
    return runtime;
  }

  /** Labels never change: those that a list has told stay, and of a container that is new a list is asked for them all. */
  #onEvent(facts: ContainerFacts, runtime: DockerRuntime): void {
    const { socket } = runtime;
    const known = this.book.get(facts.id);
    if (known?.state === "known" && known.source === socket) {
      const { labels, project, service } = known.facts;
      this.book.learn({ ...facts, labels, project, service }, socket);
      return;
    }
    this.book.learn(facts, socket);
    void runtime.ask(facts.id).then((all) => all !== null && this.book.learn(all, socket));
  }
}

/** Whether a container's cgroup is this one, not a cgroup above it. */
function isOwn(path: string): boolean {
  return containerIdOf(path.slice(0, path.lastIndexOf("/"))) === null;
}
