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
type Kind = (typeof KINDS)[number];

let rig: HookRig;
beforeAll(async () => {
  // a ring that such a burst fills more than once
  rig = await HookRig.start("burst", { ring_mb: 1 });
});
afterAll(() => rig.stop());

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

test(
  `${2 * WORKERS * TURNS} events as fast as the machine makes them: emitted and lost are all there were, of each kind`,
  { timeout: patience(240_000) },
  async () => {
    const match = [{ field: "file.path", op: "prefix" as const, values: [`${rig.dir}/burst-`] }];
    await rig.demand(...KINDS.map((hook) => rig.selector(hook, { match })));
    const before = await Promise.all(KINDS.map((kind) => emitted(kind)));
    const { truths, status } = rig.run<Record<Kind, number>>(BURSTS, String(WORKERS), String(TURNS), rig.dir);
    expect(status).toBe(0);
    const truth = KINDS.map((kind) => truths[0]![kind]);
    // what the agent says of itself is looked at first: reading all events again and again is what would take the time
    await until(async () => (await said()).every((count, i) => count >= truth[i]! + before[i]!), 120_000);
    const lost = () => Promise.all(KINDS.map((kind) => lostOf(kind)));
    await until(async () => (await lost()).join() === (await lossesSaid()).join(), 30_000);
    const [inGaps, events] = [await lost(), await Promise.all(KINDS.map((kind) => emitted(kind)))];
    const found = KINDS.map((kind, i) => `${kind} ${events[i]! - before[i]!} emitted, ${inGaps[i]} lost`);
    console.log(`burst: ${found.join("; ")}`);
    expect(events.map((count, i) => count - before[i]! + inGaps[i]!)).toEqual(truth);
  },
);

async function emitted(kind: Kind): Promise<number> {
  return (await rig.world.events(kind)).length;
}

/** Events of a kind that gaps say are missing. */
async function lostOf(kind: Kind): Promise<number> {
  const gaps = (await rig.world.events("gap")).filter(({ kinds }) => kinds.includes(kind));
  return gaps.reduce((sum, { count }) => sum + (count ?? Number.NaN), 0);
}

/** What the agent has lost of each kind, and that with what it has stored on the bus. */
async function lossesSaid(): Promise<number[]> {
  const { losses } = (await rig.world.status())!;
  return KINDS.map((kind) => losses[`ring_overflow.${kind}`] ?? 0);
}

async function said(): Promise<number[]> {
  const { counters } = (await rig.world.status())!;
  const losses = await lossesSaid();
  const waiting = (counters["messages_waiting"] ?? 0) > 0;
  return KINDS.map((kind, i) => (waiting ? 0 : (counters[`records_${kind}`] ?? 0) + losses[i]!));
}
