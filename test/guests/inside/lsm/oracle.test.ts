import { afterAll, beforeAll, expect, it } from "vitest";
import { normalize, type NormalSelector } from "../../../../agent/selectors/normalize.ts";
import { decide, type PlacedSelector } from "../../../../agent/selectors/oracle.ts";
import type { ActiveSelector } from "../../../../agent/selectors/types.ts";
import { HOOKS } from "../../../../bus/types/selector.ts";
import { Random, randomSelector, type Vocabulary } from "../../../agent/selectors/random.ts";
import { bootNow } from "../../../enforce/host.ts";
import { FLAGS, openers, openEvent } from "./openers.ts";
import { Rig } from "./rig.ts";

// Random policies and opens: LSM must deny and count what the naive matcher does. REEVE_PAIRS sets how many pairs of policy and
// open are tried.
const PAIRS = Number(process.env["REEVE_PAIRS"] ?? 4_000);
const OPENS_A_POLICY = 400;
const SEED = Number(process.env["REEVE_SEED"] ?? 20261125);
const ABILITIES = HOOKS.map((hook) => ({ hook, rung: "test", actions: ["deny"] as const }));
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
  const { helpers, shell, files, words } = await openers(rig);
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
        const { told, decided } = decide(normal, openEvent({ binary, facts, shell, path, flags }));
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
