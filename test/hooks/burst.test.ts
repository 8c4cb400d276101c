import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { cgroup2Root } from "../../agent/process/cgroups.ts";
import { many, patience } from "../pace.ts";
import { buildProgram } from "../programs/build.ts";
import { HookRig, until } from "./rig.ts";

const BURSTS = buildProgram("bursts");
const WORKERS = 2;
/** Each turn is an open and a change of mode: 200,000 events. */
const TURNS = many(50_000, 2_000);
const KINDS = ["file_open", "file_chmod"] as const;
const QUIET_MS = 3_000;

let rig: HookRig;
beforeAll(async () => {
  // a ring that such a burst fills more than once
  rig = await HookRig.start("burst", { ring_mb: 1 });
});
afterAll(() => rig.stop());

test(
  `${2 * WORKERS * TURNS} events as fast as the machine makes them: what is emitted and what is lost are all there were, of each kind`,
  { timeout: patience(240_000) },
  async () => {
    const match = [{ field: "file.path", op: "prefix" as const, values: [`${rig.dir}/burst-`] }];
    await rig.demand(...KINDS.map((hook) => rig.selector(hook, { match })));
    const { truths, status } = rig.run<Record<(typeof KINDS)[number], number>>(
      BURSTS,
      String(WORKERS),
      String(TURNS),
      rig.dir,
    );
    expect(status).toBe(0);
    const [truth] = truths;
    const of = async (kind: (typeof KINDS)[number]) => {
      const emitted = (await rig.world.events(kind)).length;
      const gaps = (await rig.world.events("gap")).filter(({ kinds }) => kinds.includes(kind));
      return { emitted, lost: gaps.reduce((sum, { count }) => sum + (count ?? Number.NaN), 0) };
    };
    const all = async () => Promise.all(KINDS.map(of));
    let last = "";
    let since = Date.now();
    // until nothing more comes
    await until(async () => {
      const now = JSON.stringify(await all());
      if (now !== last) since = Date.now();
      last = now;
      return Date.now() - since > QUIET_MS;
    }, 120_000);
    const found = await all();
    console.log(
      `burst: ${KINDS.map((kind, i) => `${kind} ${found[i]!.emitted} emitted, ${found[i]!.lost} lost`).join("; ")}`,
    );
    expect(found.map(({ emitted, lost }) => emitted + lost)).toEqual(KINDS.map((kind) => truth![kind]));
    const { losses } = (await rig.world.status())!;
    expect(KINDS.map((kind) => losses[`ring_overflow.${kind}`] ?? 0)).toEqual(found.map(({ lost }) => lost));
  },
);

test("what Reeve's own processes do is not told, whoever asks for everything", async () => {
  const file = join(rig.dir, "everybody");
  writeFileSync(file, "");
  const match = [{ field: "file.path", op: "in" as const, values: [file] }];
  await rig.demand(rig.selector("file_open", { match, scope: {} }));
  const own = join(cgroup2Root()!, rig.world.config.agent.own_cgroup, "cgroup.procs");
  const open = 'printf "%d\\n" $$ >&9; exec cat "$1"';
  const [inside] = rig.shell<number>(`echo $$ > ${own}; ${open}`, file).truths;
  const [outside] = rig.shell<number>(open, file).truths;
  expect(await rig.events("file_open", outside!, 1)).toHaveLength(1);
  expect(await rig.events("file_open", inside!, 0)).toEqual([]);
  expect(await rig.events("file_open", rig.agent.pid, 0)).toEqual([]);
});
