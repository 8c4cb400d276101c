import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { ActiveSelector } from "../../../../agent/desired/desired-state.ts";
import { Hooks } from "../../../../agent/hooks/hooks.ts";
import { DenialRecord, FileOpenRecord, RECORD_KINDS } from "../../../../agent/generated/records.ts";
import { RingReader } from "../../../../agent/kernel/ring.ts";
import { recordKind } from "../../../../agent/records/record-reader.ts";
import { SelectorTables, type SelectorTablesOptions } from "../../../../agent/selectors/selector-tables.ts";
import { bootNow, CGROUPS } from "../../../enforce/host.ts";

const RING_BYTES = 4 << 20;
const TRUTH_FD = 9;
/** NO_RESULT of bpf/include/act.h. */
const NO_RESULT = 0x7fff_ffff;

/** A line that a test program printed. */
export type Truth = Record<string, number | string> & { way: string; result: number };

export interface Ran {
  code: number | null;
  signal: string | null;
  out: string;
  err: string;
  truths: Truth[];
}

/** A denial record, as far as tests look at it. */
export interface Denied {
  hook: number;
  mode: number;
  selector: string;
  path: string;
  inode: number;
  flags: number;
  tgid: number;
  undecided: boolean;
  dport: number;
}

/** A record of an open, as far as tests look at it. */
export interface Opened {
  path: string;
  tgid: number;
  /** The descriptor or the error; null where it is not known. */
  result: number | null;
  inode: number;
  flags: number;
}

/**
 * The agent's own hooks as it attaches them, without a bus: LSM where the kernel has it. Selectors are in force in a cgroup of
 * the test's own. Files lie on a tmpfs, so that no other file system's ways are in between.
 */
export class Rig implements AsyncDisposable {
  readonly hooks: Hooks;
  readonly tables: SelectorTables;
  readonly cgroup = `/reeve-test-${process.pid}-${Math.random().toString(36).slice(2, 8)}`;
  readonly directory = mkdtempSync("/run/reeve-lsm-");
  readonly denials: Denied[] = [];
  readonly opens: Opened[] = [];
  readonly #ring: RingReader;
  readonly #children = new Set<ChildProcess>();
  #revision = 0;

  /**
   * @param options  gets the test's cgroup
   * @param rungs    names of those that may be taken; all by default
   */
  constructor(options: (cgroup: string) => Partial<SelectorTablesOptions> = () => ({}), rungs?: readonly string[]) {
    mkdirSync(join(CGROUPS, this.cgroup));
    const only = rungs === undefined ? {} : { rungs };
    this.hooks = new Hooks({ ringBytes: RING_BYTES, argumentBytes: 4096, connectCgroup: CGROUPS, ...only });
    this.hooks.attachProcesses();
    this.hooks.readSeed();
    this.hooks.readSeed();
    this.hooks.attachScopes({ warn: (it: unknown) => console.warn(it) } as never);
    this.hooks.demand([], new Set(["network_connect"]));
    this.#ring = new RingReader(this.hooks.maps.fd("events")!, RING_BYTES);
    this.tables = new SelectorTables({
      maps: this.hooks.maps,
      processes: { find: () => undefined, descendants: () => [], ancestors: () => [], drain: () => {} },
      cgroupRoot: CGROUPS,
      hooks: this.hooks.abilities,
      now: bootNow,
      exempt: [],
      ownCgroup: "/reeve-test-none",
      ...options(this.cgroup),
    });
  }

  /** Puts these in force, as the agent does. */
  apply(selectors: ActiveSelector[]): { refused: { selector: string; reason: string }[] } {
    this.drain();
    this.hooks.demand(selectors, new Set(["network_connect"]));
    const { refused } = this.tables.apply(++this.#revision, selectors);
    return { refused };
  }

  counters(id: string): { hits: number; denied: number; would_deny: number; undecided: number } | undefined {
    return this.tables.counters().find((it) => it.id === id);
  }

  /** Runs a shell script in a cgroup (the test's own by default) and waits. */
  async run(script: string, cgroup = this.cgroup): Promise<Ran> {
    const stdio = [...Array.from({ length: TRUTH_FD }, () => "ignore" as const), "pipe" as const];
    stdio[1] = stdio[2] = "pipe" as never;
    const enter = `echo $$ > ${join(CGROUPS, cgroup)}/cgroup.procs; ${script}`;
    const child = spawn("/bin/sh", ["-c", enter], { cwd: this.directory, stdio });
    this.#children.add(child);
    const said = new Map<number, string>([1, 2, TRUTH_FD].map((fd) => [fd, ""]));
    for (const fd of said.keys())
      (child.stdio[fd] as NodeJS.ReadableStream).on("data", (data: Buffer) =>
        said.set(fd, said.get(fd)! + String(data)),
      );
    const [code, signal] = (await once(child, "close")) as [number | null, string | null];
    this.#children.delete(child);
    this.drain();
    const truths = said
      .get(TRUTH_FD)!
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Truth);
    return { code, signal, out: said.get(1)!.trim(), err: said.get(2)!.trim(), truths };
  }

  /** Takes what is in the ring. */
  drain(): void {
    const denial = new DenialRecord();
    const open = new FileOpenRecord();
    this.#ring.drain((data, offset, length) => {
      const kind = recordKind(data, offset, length);
      if (kind === RECORD_KINDS.denial) this.denials.push(this.#denied(denial.at(data, offset, length)));
      if (kind !== RECORD_KINDS.file_open) return;
      const { path, processTgid: tgid, result, fileInode, fileFlags } = open.at(data, offset, length);
      const known = result === NO_RESULT ? null : result;
      this.opens.push({ path, tgid, result: known, inode: fileInode, flags: fileFlags });
    });
  }

  /** What was denied since this was asked last. */
  takeDenials(): Denied[] {
    this.drain();
    return this.denials.splice(0);
  }

  copy(from: string, name: string): string {
    const path = join(this.directory, name);
    mkdirSync(join(path, ".."), { recursive: true });
    execFileSync("cp", [from, path]);
    return path;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children) child.kill("SIGKILL");
    for (const pid of readFileSync(join(CGROUPS, this.cgroup, "cgroup.procs"), "utf8")
      .split("\n")
      .filter(Boolean))
      process.kill(Number(pid), "SIGKILL");
    this.tables.close();
    this.#ring.close();
    this.hooks.close();
    rmSync(this.directory, { recursive: true, force: true });
    for (const below of readdirSync(join(CGROUPS, this.cgroup), { withFileTypes: true }))
      if (below.isDirectory()) rmdirSync(join(CGROUPS, this.cgroup, below.name));
    for (let attempt = 0; ; attempt++) {
      try {
        return rmdirSync(join(CGROUPS, this.cgroup));
      } catch (error) {
        if (attempt === 100) throw error;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  }

  #denied(record: DenialRecord): Denied {
    const of = this.tables.describe(record.install, record.selector);
    return {
      ...{ hook: record.hook, mode: record.mode, selector: of?.selector.id ?? "", path: record.path },
      ...{ inode: record.fileInode, flags: record.fileFlags, tgid: record.processTgid, dport: record.dport },
      undecided: record.operands !== 0,
    };
  }
}
