import { closeSync } from "node:fs";
import { KernelError } from "./errors.ts";
import { duplicateFd, lastErrno } from "./libc.ts";

/**
 * Maps by name over all objects of one agent: the first object that loads creates a map, the others get the same one.
 * Holds descriptors of its own, so that an object may close while the maps live on.
 */
export class SharedMaps {
  readonly #fds = new Map<string, number>();

  /** The descriptor of a map, owned by this; undefined when no object has created it yet. */
  fd(name: string): number | undefined {
    return this.#fds.get(name);
  }

  names(): string[] {
    return [...this.#fds.keys()];
  }

  /** Remembers a map; `fd` stays the caller's. Does nothing when the name is there already. */
  add(name: string, fd: number): void {
    if (this.#fds.has(name)) return;
    const own = duplicateFd(fd);
    if (own < 0) throw new KernelError("map", `cannot keep map ${name}`, { errno: lastErrno() });
    this.#fds.set(name, own);
  }

  /** Closes every descriptor; a map lives as long as some program or descriptor holds it. */
  close(): void {
    for (const fd of this.#fds.values()) closeSync(fd);
    this.#fds.clear();
  }
}
