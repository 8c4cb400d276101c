import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, constants, mkdirSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import { afterAll, beforeAll, expect, it } from "vitest";
import { normalize, type NormalSelector } from "../../../../agent/selectors/normalize.ts";
import { OPERAND } from "../../../../agent/selectors/operands.ts";
import { decide, type OracleEvent, type PlacedSelector } from "../../../../agent/selectors/oracle.ts";
import type { ActiveSelector } from "../../../../agent/selectors/types.ts";
import { HOOKS } from "../../../../bus/types/selector.ts";
import { Random, randomSelector, type Vocabulary, VOCABULARY } from "../../../agent/selectors/random.ts";
import { processFacts } from "../../../enforce/helper.ts";
import { bootNow, CGROUPS } from "../../../enforce/host.ts";
import { OPEN_LOAD } from "./programs.ts";
import { Rig } from "./rig.ts";

// Random policies and opens: LSM must deny and count what the naive matcher does. REEVE_PAIRS sets how many pairs of policy and
// open are tried.
const PAIRS = Number(process.env["REEVE_PAIRS"] ?? 4_000);
const OPENS_A_POLICY = 400;
const SEED = Number(process.env["REEVE_SEED"] ?? 20261125);
const ABILITIES = HOOKS.map((hook) => ({ hook, rung: "test", actions: ["deny"] as const }));
const UIDS = [0, 1000, 65534];
const FLAGS = [
  ...[constants.O_RDONLY, constants.O_WRONLY, constants.O_RDWR, constants.O_WRONLY | constants.O_APPEND],
  ...[constants.O_RDWR | constants.O_CREAT, constants.O_WRONLY | constants.O_TRUNC],
];

/** test/programs/open-load in a cgroup. */
class OpenHelper {
  readonly #child: ChildProcess;
  readonly #lines: Interface;

  constructor(child: ChildProcess) {
    this.#child = child;
    this.#lines = createInterface(child.stdout!);
  }

  async line(): Promise<string> {
    return String((await once(this.#lines, "line"))[0]);
  }

  async opens(tries: readonly (readonly [number, string])[]): Promise<string> {
    const answer = this.line();
    this.#child.stdin!.write(`${tries.map((one) => `${one.join(" ")}\n`).join("")}\n`);
    return answer;
  }

  close(): void {
    this.#lines.close();
    this.#child.kill("SIGKILL");
  }
}

let rig: Rig;
beforeAll(() => {
  rig = new Rig();
});
afterAll(() => rig[Symbol.asyncDispose]());

/** Random policies in the test's cgroup only; "kill" and "signal" would end the helper, so all of them deny. */
function policy(random: Random, words: Vocabulary, entry: string): ActiveSelector[] {
  return Array.from({ length: 1 + random.below(40) }, (_, id) => {
    const one = randomSelector(random, "file_open", id, bootNow(), words);
    // ended long ago, or not soon
    const deadline = one.deadline === null ? null : random.chance(2) ? 1n : bootNow() + 3_600_000_000_000n;
    return { entry, deadline, selector: { ...one.selector, action: "deny", scope: { cgroup: rig.cgroup } } };
  });
}

/** With the places that the tables have given: what decides between equals. */
function placed(selectors: readonly ActiveSelector[]): PlacedSelector[] {
  return selectors.map((one, place) => ({
    selector: normalize(one, ABILITIES, { cgroups: ["in"], tree: null }),
    place: rig.tables.placeOf(one) ?? place,
  }));
}

it(`open: LSM denies and counts what the naive matcher does, ${PAIRS} times`, async () => {
  const random = new Random(SEED);
  const at = (name: string) => join(rig.directory, name);
  const names = ["a", "ab", "dir/a", "dir/12345678", "dir/deep/er/file.txt", "x".repeat(180), "l/".repeat(140) + "end"];
  const files = names.map((name) => {
    mkdirSync(dirname(at(name)), { recursive: true });
    writeFileSync(at(name), "");
    return at(name);
  });
  const binaries = ["bin/load", "bin/deep/er/load", "bin/load.sh"].map((name) => rig.copy(OPEN_LOAD, name));
  const shell = rig.copy("/bin/sh", "shells/sh");
  chmodSync(rig.directory, 0o755);
  execFileSync("chmod", ["-R", "a+rwX", rig.directory]);
  const helpers: { helper: OpenHelper; binary: string; facts: ReturnType<typeof processFacts> }[] = [];
  for (const [index, binary] of binaries.entries()) {
    const uid = UIDS[index]!;
    const start = `exec setpriv --reuid ${uid} --regid ${uid} --clear-groups ${shell} -c '${binary}; :'`;
    const enter = `echo $$ > ${join(CGROUPS, rig.cgroup)}/cgroup.procs; ${start}`;
    const helper = new OpenHelper(spawn("/bin/sh", ["-c", enter], { stdio: ["pipe", "pipe", "inherit"] }));
    helpers.push({ helper, binary, facts: processFacts(Number(await helper.line())) });
  }
  const status = new Map(files.map((path) => [path, statSync(path)]));
  const words: Vocabulary = {
    ...VOCABULARY,
    paths: [...files, ...binaries, shell, `${at("dir")}/`, "/usr/bin/none"],
    uids: UIDS,
    namespaces: [...Object.values(helpers[0]!.facts.numbers!), 1],
    inodes: [...[...status.values()].map(({ ino }) => ino), 1, 2 ** 40],
  };
  let denied = 0;
  let tried = 0;
  for (let round = 0; tried < PAIRS; round++) {
    const selectors = policy(random, words, `r${round}`);
    expect(rig.apply(selectors).refused).toEqual([]);
    const normal = placed(selectors);
    const counts = new Map<string, number>();
    const count = ({ selector }: { selector: NormalSelector }) => {
      const { id } = selector.source.selector;
      counts.set(id, (counts.get(id) ?? 0) + 1);
    };
    for (const { helper, binary, facts } of helpers) {
      const tries = Array.from(
        { length: Math.ceil(OPENS_A_POLICY / helpers.length) },
        () => [random.pick(FLAGS), random.pick(files)] as const,
      );
      const wanted = tries.map(([flags, path]) => {
        const { ino, dev } = status.get(path)!;
        const event: OracleEvent = {
          ...{ binary, parent: shell, cgroups: new Set(["in"]), trees: new Set<string>(), now: bootNow(), path },
          masks: facts.masks!,
          numbers: {
            ...{ ...facts.numbers, [OPERAND.own + 3]: ino },
            ...{ [OPERAND.own + 4]: Math.floor(dev / 256) * 2 ** 20 + (dev % 256), [OPERAND.own + 5]: flags },
          },
        };
        const { told, decided } = decide(normal, event);
        for (const match of told) count(match);
        if (decided) count(decided);
        return decided ? "1" : "0";
      });
      expect(await helper.opens(tries)).toBe(wanted.join(""));
      denied += wanted.filter((one) => one === "1").length;
      tried += wanted.length;
    }
    expect(new Map(rig.tables.counters().flatMap(({ id, hits }) => (hits > 0 ? [[id, hits]] : [])))).toEqual(counts);
    rig.takeDenials();
  }
  console.log(JSON.stringify({ tried, denied, counts: rig.tables.counts() }));
  expect(rig.tables.counts()).toMatchObject({ broken: 0, no_memory: 0 });
  expect(denied).toBeGreaterThan(tried / 20);
  for (const { helper } of helpers) helper.close();
}, 3_600_000);
