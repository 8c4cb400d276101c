import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { parseNetwork } from "../../agent/selectors/address.ts";
import { normalize, type NormalSelector } from "../../agent/selectors/normalize.ts";
import { decide, type OracleEvent } from "../../agent/selectors/oracle.ts";
import type { ActiveSelector } from "../../agent/selectors/types.ts";
import { HOOKS } from "../../bus/types/selector.ts";
import { Random, randomSelector, type Vocabulary } from "../agent/selectors/random.ts";
import { bootNow, Host } from "./host.ts";

const ABILITIES = HOOKS.map((hook) => ({ hook, rung: "test", actions: ["deny", "kill", "signal"] as const }));
const ADDRESSES = ["127.0.0.1", "127.0.0.2", "127.3.4.5", "127.128.0.1", "127.255.0.9", "::1", "::ffff:127.0.0.2"];
const PORTS = [1, 2, 22, 80, 443, 1023, 1024, 8080, 65534, 65535];
const UIDS = [0, 1000, 65534];

let host: Host;
beforeAll(() => {
  host = new Host();
});
afterAll(() => host[Symbol.asyncDispose]());

/** Random policies in the test's cgroup only; "kill" and "signal" would end the helper, so all of them deny. */
function policy(random: Random, hook: "process_exec" | "network_connect", words: Vocabulary): ActiveSelector[] {
  return Array.from({ length: 1 + random.below(40) }, (_, id) => {
    const one = randomSelector(random, hook, id, bootNow(), words);
    // ended long ago, or not soon
    const deadline = one.deadline === null ? null : random.chance(2) ? 1n : bootNow() + 3_600_000_000_000n;
    return { ...one, deadline, selector: { ...one.selector, action: "deny", scope: { cgroup: host.cgroup } } };
  });
}

function normals(selectors: readonly ActiveSelector[]): NormalSelector[] {
  return selectors.map((one) => normalize(one, ABILITIES, { cgroups: ["in"], tree: null }));
}

/** What is counted for each selector after these events, by the naive matcher. */
class Tally {
  readonly counts = new Map<string, number>();
  add(selectors: readonly NormalSelector[], event: OracleEvent): boolean {
    const { monitored, decided } = decide(selectors, event);
    for (const { selector } of [...monitored, ...(decided ? [decided] : [])]) {
      const { id } = selector.source.selector;
      this.counts.set(id, (this.counts.get(id) ?? 0) + 1);
    }
    return decided !== undefined;
  }
}

function counted(): Map<string, number> {
  return new Map(host.tables.counters().flatMap(({ id, hits }) => (hits > 0 ? [[id, hits]] : [])));
}

it("connect: the kernel decides and counts what the naive matcher does", async () => {
  const random = new Random(20261122);
  const binaries = ["net/node", "net/deep/er/node", "net/node.sh"].map((name) => host.copy(process.execPath, name));
  const shell = host.copy("/bin/sh", "shells/sh");
  const program = `
    const dgram = require("dgram");
    const connect = (address, port) => new Promise((done) => {
      const s = dgram.createSocket(address.includes(":") ? "udp6" : "udp4");
      s.on("error", (e) => { s.close(); done(e.code === "EPERM" ? 1 : 2); });
      s.connect(port, address, (e) => { s.close(); done(e ? (e.code === "EPERM" ? 1 : 2) : 0); });
    });
    let queue = Promise.resolve(), text = "";
    process.stdin.on("data", (data) => {
      text += data;
      const lines = text.split("\\n"); text = lines.pop();
      for (const line of lines) queue = queue.then(async () => {
        const answers = []; for (const [a, p] of JSON.parse(line)) answers.push(await connect(a, p));
        process.stdout.write(answers.join("") + "\\n");
      });
    });
    process.stdout.write("ready\\n");`;
  const helpers = [];
  for (const [index, binary] of binaries.entries()) {
    const uid = UIDS[index]!;
    const quoted = program.replaceAll("\n", " ").replaceAll("'", "'\\''");
    execFileSync("chmod", ["-R", "a+rX", host.directory]);
    const child = host.start(
      `exec setpriv --reuid ${uid} --clear-groups ${shell} -c '${binary} -e "$0"; :' '${quoted}'`,
    );
    await once(child.stdout!, "data");
    helpers.push({ child, binary, uid });
  }
  const paths = [...binaries, shell, `${host.directory}/`, "/usr/bin/none"];
  const networks = ["127.0.0.0/8", "127.0.0.0/31", "127.128.0.0/9", "0.0.0.0/0", "::/0", "::1/128", "127.3.4.5/32"];
  const words: Vocabulary = { paths, uids: UIDS, addresses: ADDRESSES, networks, ports: PORTS };
  let denied = 0;
  let tried = 0;
  for (let round = 0; round < 60; round++) {
    const selectors = policy(random, "network_connect", words);
    expect(
      host.tables.apply(
        round,
        selectors.map((one) => ({ ...one, entry: `r${round}` })),
      ),
    ).toMatchObject({ refused: [] });
    const tally = new Tally();
    for (const { child, binary, uid } of helpers) {
      const tries = Array.from({ length: 20 }, () => [random.pick(ADDRESSES), random.pick(PORTS)] as const);
      const answer = once(child.stdout!, "data");
      child.stdin!.write(`${JSON.stringify(tries)}\n`);
      const got = String((await answer)[0]).trim();
      const wanted = tries.map(([address, port]) => {
        const { family, bytes } = parseNetwork(address)!;
        const event: OracleEvent = {
          ...{ binary, parent: shell, uid, cgroups: new Set(["in"]), trees: new Set<string>() },
          destination: { family, bytes, port },
          now: bootNow(),
        };
        return tally.add(normals(selectors), event) ? "1" : "0";
      });
      expect(got).toBe(wanted.join(""));
      denied += wanted.filter((one) => one === "1").length;
      tried += wanted.length;
    }
    expect(counted()).toEqual(tally.counts);
  }
  expect(tried).toBe(3600);
  expect(denied).toBeGreaterThan(300);
}, 240_000);

it("exec: the kernel kills and counts what the naive matcher does", async () => {
  const random = new Random(4711);
  const words = ["x", "xy", "dir/x.sh", "dir/12345678", "dir/deep/true", "a".repeat(200)];
  const binaries = words.map((name) => host.copy("/bin/true", `exec/${name}`));
  const shell = host.copy("/bin/bash", "shells/bash");
  mkdirSync(join(host.directory, "exec/none"), { recursive: true });
  host.tables.apply(0, []);
  const child = host.start(`exec ${shell}`);
  const vocabulary: Vocabulary = {
    paths: [...binaries, shell, "/usr/bin/none", `${host.directory}/exec/dir/`],
    ...{ uids: UIDS, addresses: ADDRESSES, networks: ["::/0"], ports: PORTS },
  };
  for (let round = 0; round < 60; round++) {
    const selectors = policy(random, "process_exec", vocabulary);
    expect(
      host.tables.apply(
        round,
        selectors.map((one) => ({ ...one, entry: `x${round}` })),
      ),
    ).toMatchObject({ refused: [] });
    const tally = new Tally();
    const tries = Array.from({ length: 12 }, () => random.pick(binaries));
    const answer = once(child.stdout!, "data");
    child.stdin!.write(`a=; for x in ${tries.join(" ")}; do $x; a="$a $?"; done 2>/dev/null; echo $a\n`);
    const got = String((await answer)[0]).trim();
    const event = { parent: shell, uid: 0, cgroups: new Set(["in"]), trees: new Set<string>(), now: bootNow() };
    const wanted = tries.map((binary) => (tally.add(normals(selectors), { ...event, binary }) ? "137" : "0"));
    expect(got).toBe(wanted.join(" "));
    expect(counted()).toEqual(tally.counts);
  }
}, 240_000);
