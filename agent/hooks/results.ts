import { join } from "node:path";
import { BpfMap } from "../kernel/map.ts";
import { type BpfLink, BpfObject } from "../kernel/object.ts";
import type { ClimbOptions } from "./climb.ts";

const OBJECT = join(import.meta.dirname, "../../bpf/out/results.bpf.o");
/** Maps of bpf/include/waiting.h. */
const WAITING = ["waiting_acts", "waiting_kinds"];

/** The program that ends the wait of records for their system call: there while a hook that lets records wait is attached. */
export class Results {
  readonly #options: Pick<ClimbOptions, "maps" | "maxEntries">;
  #holders = 0;
  #object: BpfObject | undefined;
  #links: BpfLink[] = [];

  constructor(options: Pick<ClimbOptions, "maps" | "maxEntries">) {
    this.#options = options;
  }

  /** @throws KernelError where the kernel does not take it, though it took the hook. */
  take(): void {
    if (this.#holders === 0) {
      const { maps, maxEntries } = this.#options;
      const object = BpfObject.open(OBJECT, { maps, maxEntries: { ...maxEntries } });
      try {
        object.load();
        this.#links = object.programs().map((program) => object.attach(program));
      } catch (error) {
        object.close();
        throw error;
      }
      this.#object = object;
    }
    this.#holders++;
  }

  /** After the hook is detached. With the last one what still waits is forgotten: nobody asks for it any more. */
  release(): void {
    if (--this.#holders > 0) return;
    for (const link of this.#links) link.close();
    this.#object?.close();
    this.#object = undefined;
    this.#links = [];
    for (const name of WAITING) this.#empty(name);
  }

  #empty(name: string): void {
    const fd = this.#options.maps.fd(name);
    if (fd === undefined) return;
    const map = BpfMap.fromFd(fd);
    for (const key of [...map.keys()]) map.delete(key);
    map.close();
  }
}
