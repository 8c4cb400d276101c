import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { parseNetwork } from "../../agent/selectors/address.ts";
import { normalize, type NormalSelector } from "../../agent/selectors/normalize.ts";
import { OPERAND } from "../../agent/selectors/operands.ts";
import { decide, type OracleEvent, type PlacedSelector } from "../../agent/selectors/oracle.ts";
import type { ActiveSelector } from "../../agent/selectors/types.ts";
import { type Hook, HOOKS } from "../../bus/types/selector.ts";
import { Random, randomSelector, type Vocabulary, VOCABULARY } from "../agent/selectors/random.ts";
import { buildProgram } from "../programs/build.ts";
import { many } from "../pace.ts";
import { ConnectHelper, processFacts, type Try } from "./helper.ts";
import { bootNow, Host } from "./host.ts";

// Random policies and events: the kernel must decide and count what the naive matcher does. REEVE_PAIRS and REEVE_EXECS set how
// many pairs of policy and event are tried at connect and at exec, REEVE_SEED which; the whole proof is 1,000,000 of each:
//   REEVE_PAIRS=1000000 REEVE_EXECS=1000000 npx vitest run test/enforce/oracle.test.ts
const PAIRS = Number(process.env["REEVE_PAIRS"] ?? many(24_000, 2_000));
const EVENTS = 400;
const EXECS = Number(process.env["REEVE_EXECS"] ?? many(1_600, 200));
const EXECS_A_POLICY = EXECS > 100_000 ? 200 : 20;
const SEED = Number(process.env["REEVE_SEED"] ?? 20261125);
const ABILITIES = HOOKS.map((hook) => ({ hook, rung: "test", actions: ["deny"] as const }));
const ADDRESSES = ["127.0.0.1", "127.0.0.2", "127.3.4.5", "127.128.0.1", "127.255.0.9", "::1", "::ffff:127.0.0.2"];
const PORTS = [1, 2, 22, 80, 443, 1023, 1024, 8080, 65534, 65535];
const UIDS = [0, 1000, 65534];
const WORDS = { ...VOCABULARY, uids: UIDS, addresses: ADDRESSES, ports: PORTS };

const load = buildProgram("match-load");
let host: Host;
beforeAll(() => {
  host = new Host();
});
afterAll(async () => {
  await host[Symbol.asyncDispose]();
});

/** Random policies in the test's cgroup only; "kill" and "signal" would end the helper, so all of them deny. */
function policy(random: Random, hook: Hook, words: Vocabulary, entry: string): ActiveSelector[] {
  return Array.from({ length: 1 + random.below(40) }, (_, id) => {
    const one = randomSelector(random, hook, id, bootNow(), words);
    // ended long ago, or not soon
    const deadline = one.deadline === null ? null : random.chance(2) ? 1n : bootNow() + 3_600_000_000_000n;
    return { entry, deadline, selector: { ...one.selector, action: "deny", scope: { cgroup: host.cgroup } } };
  });
}

/** With the places that the tables have given: what decides between equals. */
function placed(selectors: readonly ActiveSelector[]): PlacedSelector[] {
  return selectors.map((one, place) => ({
    selector: normalize(one, ABILITIES, { cgroups: ["in"], tree: null }),
    place: host.tables.placeOf(one) ?? place,
  }));
}

/** What is counted for each selector after these events, by the naive matcher. */
class Tally {
  readonly counts = new Map<string, number>();
  add(selectors: readonly PlacedSelector[], event: OracleEvent): boolean {
    const { told, decided } = decide(selectors, event);
    const count = ({ selector }: { selector: NormalSelector }) => {
      const { id } = selector.source.selector;
      this.counts.set(id, (this.counts.get(id) ?? 0) + 1);
    };
    for (const match of told) count(match);
    if (decided) count(decided);
    return decided !== undefined;
  }
}

function counted(): Map<string, number> {
  return new Map(host.tables.counters().flatMap(({ id, hits }) => (hits > 0 ? [[id, hits]] : [])));
}

it(`connect: the kernel decides and counts what the naive matcher does, ${PAIRS} times`, async () => {
  const random = new Random(SEED);
  const binaries = ["net/load", "net/deep/er/load", "net/load.sh"].map((name) => host.copy(load, name));
  const shell = host.copy("/bin/sh", "shells/sh");
  execFileSync("chmod", ["-R", "a+rX", host.directory]);
  const helpers = [];
  for (const [index, binary] of binaries.entries()) {
    const uid = UIDS[index]!;
    const run = `exec 3<&0; ${binary} <&3 & echo $!; wait`;
    const child = host.start(`exec setpriv --reuid ${uid} --regid ${uid} --clear-groups ${shell} -c '${run}'`);
    const helper = await ConnectHelper.start(child);
    helpers.push({ helper, binary, facts: processFacts(helper.pid) });
  }
  const paths = [...binaries, shell, `${host.directory}/`, "/usr/bin/none"];
  const networks = ["127.0.0.0/8", "127.0.0.0/31", "127.128.0.0/9", "0.0.0.0/0", "::/0", "::1/128", "127.3.4.5/32"];
  const namespaces = [...Object.values(helpers[0]!.facts.numbers!), 1];
  const words: Vocabulary = { ...WORDS, paths, networks, namespaces };
  let denied = 0;
  let tried = 0;
  for (let round = 0; tried < PAIRS; round++) {
    const selectors = policy(random, "network_connect", words, `r${round}`);
    expect(host.tables.apply(round, selectors)).toMatchObject({ refused: [] });
    const normal = placed(selectors);
    const tally = new Tally();
    for (const { helper, binary, facts } of helpers) {
      const tries = Array.from({ length: Math.ceil(EVENTS / helpers.length) }, (): Try => [
        random.pick(ADDRESSES),
        random.pick(PORTS),
        random.pick(["udp", "tcp"]),
      ]);
      const wanted = tries.map(([address, port, protocol]) => {
        const { family, bytes } = parseNetwork(address)!;
        const { numbers, masks, ancestors } = facts;
        const event: OracleEvent = {
          ...{ binary, parent: shell, cgroups: new Set(["in"]), trees: new Set<string>(), now: bootNow() },
          ...{ address: { family, bytes }, masks: masks!, ancestors: ancestors! },
          numbers: { ...numbers, [OPERAND.own + 1]: port, [OPERAND.own + 2]: protocol === "tcp" ? 6 : 17 },
        };
        return tally.add(normal, event);
      });
      expect(await helper.denied(tries)).toEqual(wanted);
      denied += wanted.filter(Boolean).length;
      tried += wanted.length;
    }
    expect(counted()).toEqual(tally.counts);
  }
  expect(host.tables.counts()).toMatchObject({ broken: 0, no_memory: 0 });
  expect(denied).toBeGreaterThan(tried / 20);
  for (const { helper } of helpers) helper.close();
}, 3_600_000);

it(`exec: the kernel kills and counts what the naive matcher does, ${EXECS} times`, async () => {
  const random = new Random(SEED + 4711);
  const words = ["x", "xy", "dir/x.sh", "dir/12345678", "dir/deep/true", "a".repeat(200)];
  const binaries = words.map((name) => host.copy(buildProgram("nothing", { static: true }), `exec/${name}`));
  const parent = host.copy(buildProgram("match-exec"), "shells/start");
  mkdirSync(join(host.directory, "exec/none"), { recursive: true });
  host.tables.apply(0, []);
  const helper = await ConnectHelper.start(host.start(`echo $$; exec ${parent}`));
  const { ancestors = [], ...facts } = processFacts(helper.pid);
  const vocabulary: Vocabulary = {
    ...{ ...WORDS, paths: [...binaries, parent, "/usr/bin/none", `${host.directory}/exec/dir/`] },
    namespaces: [...Object.values(facts.numbers!), 1],
  };
  const common = { parent, cgroups: new Set(["in"]), trees: new Set<string>(), ancestors: [parent, ...ancestors!] };
  let tried = 0;
  let killed = 0;
  for (let round = 0; tried < EXECS; round++) {
    const selectors = policy(random, "process_exec", vocabulary, `x${round}`);
    expect(host.tables.apply(round, selectors)).toMatchObject({ refused: [] });
    const normal = placed(selectors);
    const tally = new Tally();
    const tries = Array.from({ length: EXECS_A_POLICY }, () => random.pick(binaries));
    const got = await helper.ask(tries.join(" "));
    const event = { ...common, ...facts, now: bootNow() };
    const wanted = tries.map((binary) => (tally.add(normal, { ...event, binary }) ? "k" : "0"));
    expect(got).toBe(wanted.join(""));
    expect(counted()).toEqual(tally.counts);
    tried += tries.length;
    killed += wanted.filter((one) => one === "k").length;
  }
  expect(killed).toBeGreaterThan(tried / 20);
  helper.close();
}, 7_200_000);
