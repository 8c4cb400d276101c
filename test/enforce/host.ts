import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { climb, type Foothold } from "../../agent/hooks/climb.ts";
import { CONNECT_LADDER } from "../../agent/hooks/ladders.ts";
import { BpfMap } from "../../agent/kernel/map.ts";
import { type BpfLink, BpfObject, SharedMaps } from "../../agent/kernel/object.ts";
import { RingReader } from "../../agent/kernel/ring.ts";
import { SelectorTables, type SelectorTablesOptions } from "../../agent/selectors/selector-tables.ts";
import type { ActiveSelector, ProcessKey, ProcessLookup } from "../../agent/selectors/types.ts";
import type { Selector } from "../../bus/types/selector.ts";
import { ancestorBinaries } from "./ancestors.ts";

const OUT = join(import.meta.dirname, "../../bpf/out");
const RING_BYTES = 1 << 20;

/** Mount of the v2 hierarchy. */
export const CGROUPS = /^\S+ (\S+) cgroup2 /m.exec(readFileSync("/proc/mounts", "utf8"))![1]!;

export function bootNow(): bigint {
  return BigInt(Math.round(Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]) * 1e9));
}

/** The programs on this kernel, connect decided in a cgroup of the test's own only. */
export class Host implements AsyncDisposable {
  readonly maps = new SharedMaps();
  readonly cgroup = `/reeve-test-${process.pid}-${Math.random().toString(36).slice(2, 8)}`;
  readonly directory = mkdtempSync(join(tmpdir(), "reeve-enforce-"));
  tables: SelectorTables;
  readonly ring: RingReader;
  readonly #objects: BpfObject[] = [];
  readonly #links: BpfLink[] = [];
  readonly #children = new Set<ChildProcess>();
  readonly #states: BpfMap;
  readonly #foothold: Foothold;

  constructor(options: Partial<SelectorTablesOptions> = {}) {
    mkdirSync(join(CGROUPS, this.cgroup));
    this.#load("process", { events: RING_BYTES });
    this.#load("scope");
    this.#foothold = this.#connect();
    const seed = BpfObject.open(join(OUT, "seed.bpf.o"), {
      maps: this.maps,
      autoload: (program) => program === "seed_with_arguments",
    });
    seed.load();
    seed.readIterator("seed_with_arguments");
    seed.readIterator("seed_with_arguments");
    seed.close();
    this.ring = new RingReader(this.maps.fd("events")!, RING_BYTES);
    this.#states = BpfMap.fromFd(this.maps.fd("processes")!);
    this.tables = this.#open(options);
  }

  #connect(): Foothold {
    const cgroup = join(CGROUPS, this.cgroup);
    const rungs = CONNECT_LADDER.rungs.filter((rung) => rung.cgroup);
    const { foothold, refused } = climb({ ...CONNECT_LADDER, rungs }, { maps: this.maps, maxEntries: {}, cgroup });
    if (foothold === undefined) throw new Error(refused.join("; "));
    return foothold;
  }

  /** Whether the connect programs may kill on this kernel. */
  get canKillAtConnect(): boolean {
    return this.#foothold.rung.actions.includes("kill");
  }

  /** The selectors' tables anew with other options, on the same programs; what still runs in the test's cgroup ends. */
  reopen(options: Partial<SelectorTablesOptions>): void {
    this.#killAll();
    this.tables.close();
    try {
      this.tables = this.#open(options);
    } catch (error) {
      this.tables = this.#open({});
      throw error;
    }
  }

  #open(options: Partial<SelectorTablesOptions>): SelectorTables {
    return new SelectorTables({
      maps: this.maps,
      processes: this.lookup,
      cgroupRoot: CGROUPS,
      hooks: [
        { hook: "process_exec", rung: "signal", actions: ["deny", "kill", "signal"] },
        { hook: "network_connect", rung: "cgroup", actions: this.#foothold.rung.actions },
      ],
      now: bootNow,
      exempt: [],
      ownCgroup: "/reeve-test-none",
      ...options,
    });
  }

  /** exec_ids are plain pids here. */
  readonly lookup: ProcessLookup = {
    find: (execId) => this.keyOf(Number(execId)),
    descendants: (key) => this.#descendants(key),
    ancestors: ({ tgid }) => ancestorBinaries(tgid),
    drain: () => {},
  };

  keyOf(tgid: number): ProcessKey | undefined {
    const key = Buffer.alloc(4);
    key.writeUInt32LE(tgid);
    const state = this.#states.lookup(key);
    return state && { tgid, start: Buffer.from(state).readBigUInt64LE(0) };
  }

  hasState(tgid: number): boolean {
    return this.keyOf(tgid) !== undefined;
  }

  /** A directory in the test's cgroup, as a scope. */
  subgroup(name: string): string {
    mkdirSync(join(CGROUPS, this.cgroup, name), { recursive: true });
    return `${this.cgroup}/${name}`;
  }

  /** Runs a shell script in a cgroup (the test's own by default) and waits. */
  async run(
    script: string,
    cgroup: string = this.cgroup,
  ): Promise<{ code: number | null; signal: string | null; out: string }> {
    const child = this.start(script, cgroup);
    let out = "";
    child.stdout!.on("data", (data: Buffer) => (out += data.toString()));
    const [code, signal] = (await once(child, "close")) as [number | null, string | null];
    return { code, signal, out: out.trim() };
  }

  start(script: string, cgroup: string = this.cgroup): ChildProcess {
    const enter = `echo $$ > ${join(CGROUPS, cgroup)}/cgroup.procs; ${script}`;
    const child = spawn("/bin/sh", ["-c", enter], { cwd: this.directory, stdio: ["pipe", "pipe", "inherit"] });
    this.#children.add(child);
    child.once("close", () => this.#children.delete(child));
    return child;
  }

  /** A copy of a binary under a path of its own. */
  copy(from: string, name: string): string {
    const path = join(this.directory, name);
    mkdirSync(join(path, ".."), { recursive: true });
    execFileSync("cp", [from, path]);
    return path;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.tables.close();
    this.#killAll();
    for (const child of this.#children) child.kill("SIGKILL");
    this.ring.close();
    this.#states.close();
    this.#foothold.close();
    for (const link of this.#links) link.close();
    for (const object of this.#objects) object.close();
    this.maps.close();
    rmSync(this.directory, { recursive: true });
    await removeCgroup(join(CGROUPS, this.cgroup));
  }

  /** Ends what still runs in the test's cgroup. */
  #killAll(): void {
    for (const pid of processesOf(join(CGROUPS, this.cgroup)))
      try {
        process.kill(pid, "SIGKILL");
      } catch (error) {
        // it ended by itself meanwhile
        if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
      }
  }

  #load(name: string, maxEntries: Record<string, number> = {}): BpfObject {
    const object = BpfObject.open(join(OUT, `${name}.bpf.o`), { maps: this.maps, maxEntries });
    object.load();
    this.#objects.push(object);
    for (const program of object.programs()) this.#links.push(object.attach(program));
    return object;
  }

  *#descendants(root: ProcessKey): Iterable<ProcessKey> {
    const children = new Map<number, number[]>();
    for (const name of readdirSync("/proc")) {
      if (!/^\d+$/.test(name)) continue;
      try {
        const parent = Number(/\) \S (\d+)/.exec(readFileSync(`/proc/${name}/stat`, "utf8"))![1]);
        children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
      } catch {
        // gone meanwhile
      }
    }
    const walk = function* (tgid: number): Generator<number> {
      for (const child of children.get(tgid) ?? []) {
        yield child;
        yield* walk(child);
      }
    };
    for (const tgid of walk(root.tgid)) {
      const key = this.keyOf(tgid);
      if (key !== undefined) yield key;
    }
  }
}

let next = 0;

/** A selector with what the test does not care about filled in. */
export function selector(
  part: Partial<Selector> & Pick<Selector, "hook" | "scope">,
): ActiveSelector & { selector: Selector } {
  const full: Selector = {
    id: `s${next++}`,
    action: "deny",
    mode: "enforce",
    priority: 0,
    rate: null,
    match: [],
    because: {},
    ...part,
  };
  return { entry: "test", selector: full, deadline: null };
}

/** Processes of a cgroup and all below it. */
function processesOf(directory: string): number[] {
  const below = readdirSync(directory, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const own = readFileSync(join(directory, "cgroup.procs"), "utf8").split("\n").filter(Boolean).map(Number);
  return [...own, ...below.flatMap((entry) => processesOf(join(directory, entry.name)))];
}

async function removeCgroup(directory: string): Promise<void> {
  for (const entry of readdirSync(directory, { withFileTypes: true }))
    if (entry.isDirectory()) await removeCgroup(join(directory, entry.name));
  for (let attempt = 0; ; attempt++) {
    try {
      rmdirSync(directory);
      return;
    } catch (error) {
      if (attempt === 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

/** Tries a UDP or TCP connect in a shell child by python-free means: prints "ok", or the error's name. */
export function connectScript(address: string, port: number, kind: "udp" | "tcp" = "udp"): string {
  const program = `
    const dgram = require("dgram"), net = require("net");
    const done = (e) => { process.stdout.write(e ? e.code : "ok"); process.exit(0); };
    if (${JSON.stringify(kind)} === "udp") {
      const s = dgram.createSocket(${JSON.stringify(address.includes(":") ? "udp6" : "udp4")});
      s.on("error", done); s.connect(${port}, ${JSON.stringify(address)}, done);
    } else { const s = net.connect(${port}, ${JSON.stringify(address)}); s.on("error", done); s.on("connect", () => done()); }`;
  return `exec ${process.execPath} -e '${program.replaceAll("\n", " ")}'`;
}
