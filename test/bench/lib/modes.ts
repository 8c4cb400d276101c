import { setTimeout as sleep } from "node:timers/promises";
import type { Selector } from "../../../bus/types/selector.ts";
import { bpfTimeOf, cpuOf, withBpfStats } from "./cpu.ts";
import { Demand } from "./demand.ts";
import { startStack } from "./stack.ts";
import { figure, median, ratioOf } from "./statistics.ts";

/** What one run of the load came to. */
export interface Measured {
  wallNs: number;
  /** CPU time of the agent and its programs meanwhile, in microseconds, each act's share. */
  usPerAct: number;
  /** Events of the mode's hooks that the ring had no room for. */
  lost: number;
}

export interface ModesOptions {
  rounds: number;
  /** By name; each is a set of selectors that the agent has in force. */
  modes: Readonly<Record<string, readonly Selector[]>>;
  /** One run of the load: its wall time and how many acts that were. */
  load: () => Promise<{ wallNs: number; acts: number }>;
}

/** The load with nothing, with nothing once more (A/A), and in each mode, in an order that changes every round. */
export async function measureModes({ rounds, modes, load }: ModesOptions): Promise<Map<string, Measured[]>> {
  const measured = new Map<string, Measured[]>();
  const keep = (mode: string, one: Measured) => measured.set(mode, [...(measured.get(mode) ?? []), one]);
  const bare = async (mode: string): Promise<void> => {
    await sleep(500);
    keep(mode, { wallNs: (await load()).wallNs, usPerAct: 0, lost: 0 });
  };
  const names = Object.keys(modes);
  const watched = async (round: number): Promise<void> => {
    const stack = await startStack(["agent"]);
    const demand = await Demand.open(stack);
    const agent = stack.pids.get("agent")!;
    try {
      for (let i = 0; i < names.length; i++) {
        const mode = names[(i + round) % names.length]!;
        await demand.put([...modes[mode]!]);
        await load();
        await sleep(500);
        const before = lossesOf((await demand.fresh()).losses);
        const { wallNs } = await load();
        await sleep(500);
        const usPerAct = await withBpfStats(async () => {
          const from = cpuOf(agent) + bpfTimeOf(agent);
          const { acts } = await load();
          await sleep(1500);
          return (cpuOf(agent) + bpfTimeOf(agent) - from) / acts;
        });
        keep(mode, { wallNs, usPerAct, lost: lossesOf((await demand.fresh()).losses) - before });
      }
    } finally {
      await demand.close();
      await stack.stop();
    }
  };
  await load();
  for (let round = 0; round < rounds; round++) {
    const steps = [() => bare("nothing"), () => watched(round), () => bare("aa")];
    for (let i = 0; i < steps.length; i++) await steps[(i + round) % steps.length]!();
    process.stderr.write(`round ${round + 1} of ${rounds}\n`);
  }
  return measured;
}

/** Prints the ratio of each mode's wall time to that of nothing, and what it costs each act; returns them as figures. */
export function reportModes(measured: ReadonlyMap<string, Measured[]>, act: string): Record<string, number> {
  const figures: Record<string, number> = {};
  const nothing = measured.get("nothing") ?? [];
  console.log(`wall time over nothing at all    median ratio    95 % interval         us per ${act}    lost`);
  for (const [mode, all] of measured) {
    if (mode === "nothing") continue;
    const { ratio, interval } = ratioOf(
      all.map((one, i) => ({ with: one.wallNs, without: nothing[i]?.wallNs ?? Number.NaN })),
    );
    const us = median(all.map(({ usPerAct }) => usPerAct));
    const lost = all.reduce((sum, one) => sum + one.lost, 0);
    const range = `${interval[0].toFixed(4)} - ${interval[1].toFixed(4)}`;
    const cost = mode === "aa" ? "" : `${us.toFixed(3).padStart(16)}${String(lost).padStart(8)}`;
    console.log(`  ${mode.padEnd(28)}${ratio.toFixed(4).padStart(16)}    ${range}${cost}`);
    figures[`${mode}_ratio`] = figure(ratio);
    figures[`${mode}_ratio_low`] = figure(interval[0]);
    figures[`${mode}_ratio_high`] = figure(interval[1]);
    if (mode !== "aa") Object.assign(figures, { [`${mode}_us_per_${act}`]: figure(us), [`${mode}_lost`]: lost });
  }
  return figures;
}

function lossesOf(losses: Readonly<Record<string, number>>): number {
  return Object.values(losses).reduce((sum, count) => sum + count, 0);
}
