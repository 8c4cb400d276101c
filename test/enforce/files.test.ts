import { afterAll, beforeAll, expect, it } from "vitest";
import { normalize } from "../../agent/selectors/normalize.ts";
import { decide } from "../../agent/selectors/oracle.ts";
import type { ActiveSelector } from "../../agent/selectors/types.ts";
import { HOOKS } from "../../bus/types/selector.ts";
import { Random, randomSelector } from "../agent/selectors/random.ts";
import { FLAGS, openers, openEvent } from "../guests/inside/lsm/openers.ts";
import { Rig } from "../guests/inside/lsm/rig.ts";
import { many } from "../pace.ts";
import { bootNow } from "./host.ts";

// Random policies of post and noPost, and opens: whatever the rung, what is told is what the naive matcher says. REEVE_PAIRS sets
// how many pairs of policy and open are tried. That LSM denies the same way is tried in a guest.
const PAIRS = Number(process.env["REEVE_PAIRS"] ?? many(12_000, 1_200));
const OPENS_A_POLICY = 400;
const SEED = Number(process.env["REEVE_SEED"] ?? 20261125);
const ABILITIES = HOOKS.map((hook) => ({ hook, rung: "test", actions: ["post", "noPost"] as const }));

let rig: Rig;
beforeAll(() => {
  rig = new Rig();
});
afterAll(() => rig[Symbol.asyncDispose]());

it(`open: the kernel tells of what the naive matcher does, ${PAIRS} times`, async () => {
  const random = new Random(SEED);
  const { helpers, shell, files, words } = await openers(rig);
  const policy = (entry: string): ActiveSelector[] =>
    Array.from({ length: 1 + random.below(40) }, (_, id) => {
      const one = randomSelector(random, "file_open", id, bootNow(), words);
      const deadline = one.deadline === null ? null : random.chance(2) ? 1n : bootNow() + 3_600_000_000_000n;
      const action = random.chance(3) ? "noPost" : "post";
      return { entry, deadline, selector: { ...one.selector, action, mode: "enforce", scope: { cgroup: rig.cgroup } } };
    });
  let posted = 0;
  let tried = 0;
  for (let round = 0; tried < PAIRS; round++) {
    const selectors = policy(`r${round}`);
    expect(rig.apply(selectors).refused).toEqual([]);
    const normal = selectors.map((one, place) => ({
      selector: normalize(one, ABILITIES, { cgroups: ["in"], tree: null }),
      place: rig.tables.placeOf(one) ?? place,
    }));
    for (const { helper, ...opener } of helpers) {
      const tries = Array.from(
        { length: Math.ceil(OPENS_A_POLICY / helpers.length) },
        () => [random.pick(FLAGS), random.pick(files)] as const,
      );
      const wanted = tries.filter(
        ([flags, path]) => decide(normal, openEvent({ ...opener, shell, path, flags })).posts,
      );
      rig.opens.length = 0;
      await helper.opens(tries);
      rig.drain();
      expect(rig.opens.map(({ path }) => path)).toEqual(wanted.map(([, path]) => path));
      posted += wanted.length;
      tried += tries.length;
    }
  }
  expect(rig.tables.counts()).toMatchObject({ broken: 0, no_memory: 0 });
  expect(posted).toBeGreaterThan(tried / 20);
  for (const { helper } of helpers) helper.close();
}, 3_600_000);
