import { existsSync, type FSWatcher, readdirSync, watch } from "node:fs";
import { dirname, join } from "node:path";
import type { Bundles } from "./bundles.ts";
import type { ContainerFacts } from "./container.ts";

const ID = /^[0-9a-f]{64}$/;
/** The directory is there before its config is: how long until each further look, in ms. */
const LOOKS = [5, 10, 20, 40, 80];

export interface BundleWatchOptions {
  bundles: Bundles;
  onFound: (facts: ContainerFacts, file: string) => void;
  onGone: (id: string) => void;
}

/**
 * Tells of bundles when they are laid down, which is before runc makes the cgroup: so the kernel can be told of the
 * container as it is told of what Docker announces.
 */
export class BundleWatch {
  readonly #options: BundleWatchOptions;
  readonly #watchers = new Map<string, FSWatcher>();
  readonly #timers = new Set<NodeJS.Timeout>();

  constructor(options: BundleWatchOptions) {
    this.#options = options;
  }

  /** Watches what is there and is not watched yet; to be called now and then. */
  look(): void {
    for (const pattern of this.#options.bundles.patterns) {
      const parent = dirname(pattern.slice(0, pattern.indexOf("{id}") + 1));
      if (!parent.endsWith("/*")) {
        this.#watchBundles(parent);
        continue;
      }
      const above = dirname(parent);
      this.#watch(above, () => this.#watchBelow(above));
      this.#watchBelow(above);
    }
  }

  close(): void {
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
    for (const timer of this.#timers) clearTimeout(timer);
  }

  #watchBelow(above: string): void {
    if (!this.#watchers.has(above)) return;
    for (const entry of readdirSync(above, { withFileTypes: true })) {
      const directory = join(above, entry.name);
      if (entry.isDirectory()) this.#watchBundles(directory);
    }
  }

  /** Those that are there are read as well. */
  #watchBundles(directory: string): void {
    if (this.#watch(directory, (name) => this.#changed(directory, name)))
      for (const name of readdirSync(directory)) this.#changed(directory, name);
  }

  /** Whether it is watched from now on, and was not before. */
  #watch(directory: string, on: (name: string) => void): boolean {
    if (this.#watchers.has(directory) || !existsSync(directory)) return false;
    const forget = () => {
      this.#watchers.get(directory)?.close();
      this.#watchers.delete(directory);
    };
    try {
      const watcher = watch(directory, { persistent: false }, (_event, name) => {
        if (name !== null) on(name);
        if (!existsSync(directory)) forget();
      });
      watcher.on("error", forget);
      this.#watchers.set(directory, watcher);
      return true;
    } catch {
      return false; // gone meanwhile, or no watches are left: containers are still named when their cgroup appears
    }
  }

  #changed(directory: string, name: string): void {
    if (ID.test(name)) this.#read(directory, name, 0);
  }

  #read(directory: string, id: string, look: number): void {
    if (!existsSync(join(directory, id))) {
      this.#options.onGone(id);
      return;
    }
    const found = this.#options.bundles.find(id);
    if (found !== undefined) {
      this.#options.onFound(found.facts, found.file);
      return;
    }
    const pause = LOOKS[look];
    if (pause === undefined) return;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#read(directory, id, look + 1);
    }, pause);
    this.#timers.add(timer);
  }
}
