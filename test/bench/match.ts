import { once } from "node:events";
import { mkdirSync, readFileSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { BpfMap } from "../../agent/kernel/map.ts";
import { BpfObject } from "../../agent/kernel/object.ts";
import type { ActiveSelector } from "../../agent/selectors/types.ts";
import type { Predicate } from "../../bus/types/selector.ts";
import { compileBpf } from "../agent/kernel/compile.ts";
import { ConnectHelper, type Try } from "../enforce/helper.ts";
import { CGROUPS, Host, selector } from "../enforce/host.ts";
import { buildProgram } from "../programs/build.ts";
import { figure, median } from "./lib/statistics.ts";

// What does an event cost that many selectors could match? `npm run bench:match [ROUNDS [CONNECTS]]`: connects of a UDP socket
// that match none, with 0 to 10,000 selectors in force, beside a program that goes through them one by one and one program for
// each policy, all in an order that changes every round. Nanoseconds of CPU per connect, over a connect with no program.
const ROUNDS = Number(process.argv[2] ?? 15);
const CONNECTS = Number(process.argv[3] ?? 20_000);
const COUNTS = [0, 1, 10, 100, 1_000, 10_000];
const PROGRAMS = [1, 10, 50];
const EVENTS: Try[] = [
  ["127.0.0.1", 9, "udp"],
  ["127.200.7.9", 4711, "udp"],
];

const load = buildProgram("match-load");
const objects = compileBpf("match_bench");
const host = new Host();
/** Where no program of the host is attached. */
const bareCgroup = `${host.cgroup}-bare`;
mkdirSync(join(CGROUPS, bareCgroup));
const start = (cgroup: string) => ConnectHelper.start(host.start(`echo $$; exec ${load}`, cgroup));
const helpers = { matched: await start(host.cgroup), bare: await start(bareCgroup) };
const results = new Map<string, number[]>();
const applied: number[] = [];
const added: number[] = [];
let kernelMb = 0;

try {
  await rounds();
  report();
} finally {
  for (const helper of Object.values(helpers)) helper.close();
  await Promise.all(Object.values(helpers).map(({ child }) => once(child, "close")));
  await host[Symbol.asyncDispose]();
  rmdirSync(join(CGROUPS, bareCgroup));
  objects.remove();
}

/** As policies are: some by binary, some by address and port, some by both; what they name is what nobody does here. */
function policy(id: number): ActiveSelector {
  const binary = `/opt/service-${id % 997}/bin/run`;
  const network = `10.${(id >> 8) & 255}.${id & 255}.0/24`;
  const kinds: Predicate[][] = [
    [{ field: "socket.daddr", op: "cidr", values: [network] }],
    [
      { field: "process.binary", op: "in", values: [binary] },
      { field: "socket.dport", op: "in", values: [1024 + (id % 60_000)] },
    ],
    [
      { field: "process.binary", op: "prefix", values: [`/srv/app-${id % 499}/`] },
      { field: "socket.daddr", op: "notCidr", values: [network] },
    ],
    [
      { field: "process.uid", op: "in", values: [100_000 + id] },
      { field: "socket.dport", op: "range", values: [[1024 * (1 + (id % 32)), 1024 * (1 + (id % 32)) + 1023]] },
    ],
  ];
  return selector({
    id: `policy-${id}`,
    hook: "network_connect",
    scope: { cgroup: host.cgroup },
    priority: id % 3,
    match: kinds[id % kinds.length]!,
  });
}

async function rounds(): Promise<void> {
  const selectors = Array.from({ length: 10_000 }, (_, id) => policy(id));
  const ways = new Map<string, (run: () => Promise<void>) => Promise<void>>();
  ways.set("no program", (run) => run());
  for (const count of COUNTS)
    ways.set(`matcher ${count}`, async (run) => {
      const report = host.tables.apply(count, selectors.slice(0, count));
      if (report.refused.length > 0) throw new Error(report.refused[0]!.reason);
      if (count === 10_000) await measureTables(report.milliseconds, selectors);
      await run();
    });
  for (const count of COUNTS.filter((one) => one > 0)) ways.set(`naive ${count}`, (run) => naive(count, run));
  for (const count of PROGRAMS) ways.set(`programs ${count}`, (run) => programs(count, run));
  const names = [...ways.keys()];
  for (let round = 0; round < ROUNDS; round++) {
    for (let i = 0; i < names.length; i++) {
      const name = names[(i + round) % names.length]!;
      const helper = name.startsWith("matcher") ? helpers.matched : helpers.bare;
      await ways.get(name)!(async () => {
        const times: number[] = [];
        for (const event of EVENTS) {
          await helper.load(CONNECTS / 20, event);
          const { ns, denied } = await helper.load(name.startsWith("naive 10000") ? CONNECTS / 40 : CONNECTS, event);
          if (denied > 0) throw new Error(`${name}: ${denied} denied`);
          times.push(ns);
        }
        const list = results.get(name) ?? [];
        list.push(times.reduce((a, b) => a + b, 0) / times.length);
        results.set(name, list);
      });
    }
    process.stderr.write(`round ${round + 1} of ${ROUNDS}\n`);
  }
}

/** Time of one more selector, and memory of all maps. */
async function measureTables(milliseconds: number, selectors: readonly ActiveSelector[]): Promise<void> {
  applied.push(milliseconds);
  for (let i = 0; i < 3; i++) {
    const { milliseconds: one } = host.tables.apply(10_001 + i, [...selectors, policy(20_000 + i)]);
    added.push(one);
    host.tables.apply(10_000, selectors);
  }
  // what the tables before these took is given back a second later
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  kernelMb = matcherBytes() / 1e6;
}

/** Memory of the matcher's maps that this process holds, by the kernel's own account. */
function matcherBytes(): number {
  const names = host.maps.names().filter((name) => name.startsWith("match_") || name === "selector_counters");
  const outer = names.reduce((sum, name) => sum + memlock(host.maps.fd(name)!), 0);
  return outer + host.tables.innerMaps().reduce((sum, fd) => sum + memlock(fd), 0);
}

function memlock(fd: number): number {
  return Number(/^memlock:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "utf8"))![1]);
}

function open(program: string, settings: Record<string, number>): BpfObject {
  const object = BpfObject.open(objects.path("match_bench"), { settings, autoload: (name) => name === program });
  object.load();
  return object;
}

async function naive(count: number, run: () => Promise<void>): Promise<void> {
  const object = open("naive", { naive_count: count });
  try {
    fillNaive(object, count);
    const link = object.attachCgroup("naive", join(CGROUPS, bareCgroup));
    try {
      await run();
    } finally {
      link.close();
    }
  } finally {
    object.close();
  }
}

function fillNaive(object: BpfObject, count: number): void {
  const map = BpfMap.fromFd(object.mapFd("naive_selectors"));
  const keys = Buffer.alloc(4 * count);
  const values = Buffer.alloc(24 * count);
  for (let id = 0; id < count; id++) {
    keys.writeUInt32LE(id, id * 4);
    values.writeUInt32LE(0x00ffffff, id * 24 + 4);
    values.writeUInt32LE(10 | (((id >> 8) & 255) << 8) | ((id & 255) << 16), id * 24 + 8);
    values.writeUInt16LE(1024, id * 24 + 12);
    values.writeUInt16LE(65535, id * 24 + 14);
    values.writeBigUInt64LE(id % 4 === 0 ? 0n : BigInt(id) << 40n, id * 24 + 16);
  }
  map.updateBatch(keys, values, count);
  map.close();
}

async function programs(count: number, run: () => Promise<void>): Promise<void> {
  const loaded: BpfObject[] = [];
  const links: { close(): void }[] = [];
  try {
    for (let id = 0; id < count; id++) {
      const object = open("single", { single_port: 1024 + id, single_address: 10 + (id << 16) });
      loaded.push(object);
      links.push(object.attachCgroup("single", join(CGROUPS, bareCgroup)));
    }
    await run();
  } finally {
    for (const link of links) link.close();
    for (const object of loaded) object.close();
  }
}

function report(): void {
  const none = results.get("no program")!;
  const over = (name: string) => median(results.get(name)!.map((ns, index) => ns - none[index]!));
  for (const name of results.keys()) console.log(name.padEnd(16), `${figure(over(name))} ns`);
  const json = {
    ns: Object.fromEntries([...results.keys()].map((name) => [name, figure(over(name))])),
    ratio_10000_to_1: figure(over("matcher 10000") / over("matcher 1")),
    speedup_vs_naive_1000: figure(over("naive 1000") / over("matcher 1000")),
    kernel_mb_10000: figure(kernelMb),
    apply_ms_10000: figure(median(applied)),
    add_one_ms: figure(median(added)),
    rounds: ROUNDS,
  };
  console.log(JSON.stringify(json));
}
