import { execFileSync } from "node:child_process";
import { join } from "node:path";
import {
  ProcessExecRecord,
  ProcessExitRecord,
  ProcessCloneRecord,
  PROCESS_FLAG,
  RECORD_KINDS,
  type ProcessFlag,
  type RecordKind,
} from "../../agent/generated/records.ts";
import { BpfMap } from "../../agent/kernel/map.ts";
import { BpfObject, SharedMaps, type BpfLink } from "../../agent/kernel/object.ts";
import { RingReader } from "../../agent/kernel/ring.ts";
import { recordKind, type RecordReader } from "../../agent/records/record-reader.ts";

const REPO = join(import.meta.dirname, "../..");
const RING_BYTES = 32 << 20;

/** Compiles what is stale of the eBPF programs, and says where the object lies. */
export function bpfObject(name: string): string {
  execFileSync(process.execPath, [join(REPO, "bpf/build.mjs")], { stdio: ["ignore", "ignore", "inherit"] });
  return join(REPO, `bpf/out/${name}.bpf.o`);
}

/** The matcher has tests of its own (test/enforce); these are about what is told. */
const PROGRAMS = ["process_exec", "process_fork", "process_exit"];

/** The process programs, loaded and attached, and all that they told since. */
export class Tracer {
  readonly maps = new SharedMaps();
  readonly execs: ProcessExecRecord[] = [];
  readonly forks: ProcessCloneRecord[] = [];
  readonly exits: ProcessExitRecord[] = [];
  readonly #object: BpfObject;
  readonly #links: BpfLink[];
  readonly #ring: RingReader;

  constructor(settings: Record<string, number> = {}, ringBytes: number = RING_BYTES) {
    const maxEntries = { events: ringBytes };
    const autoload = (program: string) => PROGRAMS.includes(program);
    this.#object = BpfObject.open(bpfObject("process"), { maps: this.maps, settings, maxEntries, autoload });
    this.#object.load();
    this.#ring = new RingReader(this.#object.mapFd("events"), ringBytes);
    this.#links = PROGRAMS.map((program) => this.#object.attach(program));
  }

  /** Takes what is in the ring. */
  drain(): this {
    this.#ring.drain((data, offset, length) => {
      const copy = Buffer.from(data.subarray(offset, offset + length));
      const take = <R extends RecordReader>(record: R, into: R[]) => into.push(record.at(copy, 0, length));
      const kind = recordKind(data, offset, length);
      if (kind === RECORD_KINDS.process_exec) take(new ProcessExecRecord(), this.execs);
      else if (kind === RECORD_KINDS.process_clone) take(new ProcessCloneRecord(), this.forks);
      else if (kind === RECORD_KINDS.process_exit) take(new ProcessExitRecord(), this.exits);
    });
    return this;
  }

  /** The last exec of a process. */
  execOf(pid: number): ProcessExecRecord {
    const found = this.drain().execs.findLast((record) => record.keyTgid === pid);
    if (!found) throw new Error(`no exec of ${pid} was told`);
    return found;
  }

  exitsOf(pid: number): ProcessExitRecord[] {
    return this.drain().exits.filter((record) => record.keyTgid === pid);
  }

  /** Records of a kind for which the ring had no room. */
  lost(kind: RecordKind): number {
    const losses = BpfMap.fromFd(this.#object.mapFd("losses"));
    const key = Buffer.alloc(4);
    key.writeUInt32LE(RECORD_KINDS[kind]);
    const counts = losses.lookupPerCpu(key) ?? [];
    losses.close();
    return counts.reduce((sum, count) => sum + Number(Buffer.from(count).readBigUInt64LE()), 0);
  }

  close(): void {
    for (const link of this.#links) link.close();
    this.#ring.close();
    this.#object.close();
    this.maps.close();
  }
}

/** The marks of a record, by name. */
export function flagsOf(record: { flags: number }): ProcessFlag[] {
  const all = Object.entries(PROCESS_FLAG) as [ProcessFlag, number][];
  return all.filter(([, bit]) => (record.flags & bit) !== 0).map(([name]) => name);
}
