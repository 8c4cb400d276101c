import { libbpf } from "./libbpf.ts";
import type { Pointer } from "./libc.ts";

/** A program attached to its hook. Never pinned: it detaches when this closes or the process dies, however it dies. */
export class BpfLink {
  readonly program: string;
  #link: Pointer;

  constructor(program: string, link: Pointer) {
    this.program = program;
    this.#link = link;
  }

  /** The link's descriptor; -1 after close. */
  get fd(): number {
    return this.#link === null ? -1 : libbpf().bpf_link__fd(this.#link);
  }

  /** Detaches; further calls do nothing. */
  close(): void {
    if (this.#link === null) return;
    libbpf().bpf_link__destroy(this.#link);
    this.#link = null;
  }
}
