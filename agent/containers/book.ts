import { Container, type ContainerFacts } from "./container.ts";
import { isImageId } from "./docker-facts.ts";

/** How long a container stays known after it is gone: its last events may still be on their way. In ms. */
const LINGER_MS = 10_000;

export interface BookListener {
  /** It is not pending any more: what waits for it can go. */
  onDecided: (container: Container) => void;
  /** Its names, or where it runs, changed. */
  onChanged: (container: Container) => void;
}

/** All containers that the node knows of: those that run, and those that a runtime has announced. */
export class ContainerBook {
  readonly counters = { known: 0, unknown: 0, late: 0 };
  readonly #containers = new Map<string, Container>();
  readonly #gone = new Set<Container>();
  readonly #listener: BookListener;
  readonly #now: () => number;

  constructor(listener: BookListener, now: () => number = () => performance.now()) {
    this.#listener = listener;
    this.#now = now;
  }

  get(id: string): Container | undefined {
    return this.#containers.get(id);
  }

  all(): Iterable<Container> {
    return this.#containers.values();
  }

  get size(): number {
    return this.#containers.size;
  }

  /** One that the book has not; pending, until somebody says who it is. */
  open(id: string): Container {
    const container = new Container(id);
    this.#containers.set(id, container);
    return container;
  }

  /** A runtime says who a container is. */
  learn(facts: ContainerFacts, source: string): Container {
    const container = this.#containers.get(facts.id) ?? this.open(facts.id);
    if (container.state === "known" && sameFacts(container.facts, facts) && container.source === source)
      return container;
    const before = container.state;
    if (before !== "known") this.counters.known++;
    if (before === "unknown") this.counters.late++;
    // a list may show the image's id, where an event has told its name
    const image = isImageId(facts.image) ? (container.facts.image ?? facts.image) : facts.image;
    container.become("known", { ...facts, image }, source);
    this.#revive(container);
    if (before === "pending") this.#listener.onDecided(container);
    this.#listener.onChanged(container);
    return container;
  }

  /** Nobody has said who it is. */
  giveUp(container: Container): void {
    if (container.state !== "pending") return;
    this.counters.unknown++;
    container.become("unknown", container.facts, "");
    this.#leave(container);
    this.#listener.onDecided(container);
    this.#listener.onChanged(container);
  }

  /** A runtime has removed a container. It is known for a while still. */
  removed(id: string): void {
    const container = this.#containers.get(id);
    if (container === undefined) return;
    container.source = "";
    this.#leave(container);
  }

  enter(container: Container, cgroup: number, path: string): void {
    if (container.cgroups.has(cgroup)) return;
    container.cgroups.set(cgroup, path);
    this.#revive(container);
    this.#listener.onChanged(container);
  }

  /** One of its cgroups is gone. `lasting`: its runtime will say when the container itself is. */
  leave(container: Container, cgroup: number, lasting: boolean): void {
    const had = container.cgroups.delete(cgroup);
    if (!lasting) container.source = "";
    this.#leave(container);
    if (had) this.#listener.onChanged(container);
  }

  /** Forgets what has been gone for a while. */
  sweep(): void {
    for (const container of this.#gone) {
      if (this.#now() - container.goneSince! < LINGER_MS) continue;
      this.#gone.delete(container);
      this.#containers.delete(container.id);
      this.#listener.onChanged(container);
    }
  }

  #leave(container: Container): void {
    if (container.source !== "" || container.cgroups.size > 0) return;
    container.goneSince = this.#now();
    this.#gone.add(container);
  }

  #revive(container: Container): void {
    container.goneSince = null;
    this.#gone.delete(container);
  }
}

function sameFacts(a: ContainerFacts, b: ContainerFacts): boolean {
  return (
    a.name === b.name &&
    (a.image === b.image || (isImageId(b.image) && a.image !== null)) &&
    Object.keys(a.labels).length === Object.keys(b.labels).length &&
    Object.entries(b.labels).every(([name, value]) => a.labels[name] === value)
  );
}
