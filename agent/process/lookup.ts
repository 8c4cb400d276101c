import type { ProcessEntry } from "./entry.ts";
import type { ProcessTable } from "./table.ts";

/** A process for as long as the machine is up. */
export interface ProcessKey {
  tgid: number;
  start: bigint;
}

/** `base64(node:start:tgid:self_exec_id)`, as the whole system names an image of a process. */
export function formatExecId(node: string, start: bigint, tgid: number, selfExecId: number): string {
  return Buffer.from(`${node}:${start}:${tgid}:${selfExecId}`).toString("base64");
}

/** The process that an exec_id of this node names, whichever of its images; undefined for anything else. */
export function parseExecId(node: string, execId: string): ProcessKey | undefined {
  const text = Buffer.from(execId, "base64").toString("utf8");
  if (!text.startsWith(`${node}:`)) return undefined;
  const parts = /^(\d+):(\d+):\d+$/.exec(text.slice(node.length + 1));
  return parts === null ? undefined : { start: BigInt(parts[1]!), tgid: Number(parts[2]) };
}

/** The process table as the selectors see it. */
export class TableLookup {
  readonly #node: string;
  readonly #table: ProcessTable;
  readonly #drain: () => void;

  /** `drain` reads what the kernel has written so far into the table. */
  constructor(node: string, table: ProcessTable, drain: () => void) {
    this.#node = node;
    this.#table = table;
    this.#drain = drain;
  }

  /** The process that an exec_id names, living or remembered; undefined when it is of another node or long gone. */
  find(execId: string): ProcessKey | undefined {
    const key = parseExecId(this.#node, execId);
    const entry = key && this.#table.find(key.tgid, key.start);
    return entry && keyOf(entry);
  }

  /** All living processes forked from it, at whatever distance; not itself. */
  *descendants(key: ProcessKey): Iterable<ProcessKey> {
    const entry = this.#table.find(key.tgid, key.start);
    if (entry === undefined) return;
    for (const descendant of this.#table.descendants(entry)) yield keyOf(descendant);
  }

  /** Binaries of the processes that it was forked from, the dead too as far as they are remembered. */
  *ancestors(key: ProcessKey): Iterable<string> {
    const entry = this.#table.find(key.tgid, key.start);
    for (let source = entry?.source ?? null; source !== null; source = source.source)
      if (source.image !== null) yield source.image.binary;
  }

  drain(): void {
    this.#drain();
  }
}

function keyOf(entry: ProcessEntry): ProcessKey {
  return { tgid: entry.tgid, start: entry.start };
}
