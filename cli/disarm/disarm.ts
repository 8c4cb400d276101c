import type { OperatorBus } from "../../bus/clients/operator.ts";
import { note } from "../output/print.ts";
import { askController, connectOperator } from "../operator.ts";
import { exitOf } from "../errors.ts";
import { EXIT } from "../exit.ts";
import { loadForOperator } from "../find-bus.ts";
import { readStatus } from "../status/read.ts";
import { disarmLocal } from "./local.ts";

export interface Disarmed {
  message: string;
  way: "control" | "signal";
  disarmed: string[];
}

interface Armed {
  armed: string[];
  disarmed: string[];
}

/** By the controller; where it or the bus cannot be reached, this host's agent by a signal. */
export async function disarm(flags: { node?: string; local?: boolean }): Promise<Disarmed> {
  const { config } = loadForOperator({ ...flags, node: undefined });
  if (!flags.local) {
    try {
      const bus = await connectOperator(config);
      try {
        const { disarmed } = await askController<{ disarmed: string[] }>(
          bus,
          "disarm",
          flags.node ? { node: flags.node } : {},
        );
        return { message: `disarmed: ${nodes(disarmed)}; reeve arm takes it back`, way: "control", disarmed };
      } finally {
        await bus.close();
      }
    } catch (error) {
      if (exitOf(error) !== EXIT.unreachable || flags.node !== undefined) throw error;
      note(`reeve: ${(error as Error).message}; disarming this host's agent by a signal instead`);
    }
  }
  const pid = disarmLocal(config.run_dir, "disarm");
  const message = `disarmed: this node, by a signal to the agent (pid ${pid}); reeve arm takes it back once the bus is there`;
  return { message, way: "signal", disarmed: [config.node] };
}

export async function arm(flags: { node?: string }): Promise<Disarmed> {
  const { config } = loadForOperator({ ...flags, node: undefined });
  const bus = await connectOperator(config);
  try {
    // Asked before: those that a signal disarmed are armed by the same act, but the controller does not know them.
    const bySignal = await disarmedBySignal(bus, flags.node);
    const { armed, disarmed } = await askController<Armed>(bus, "arm", flags.node ? { node: flags.node } : {});
    if (disarmed.length === 0 && !armed.includes("all"))
      armed.push(...bySignal.filter((node) => !armed.includes(node)));
    const left = disarmed.length > 0 ? `; still disarmed: ${nodes(disarmed)}` : "";
    const what = armed.length > 0 ? `armed again: ${nodes(armed)}` : "nothing was disarmed";
    return { message: `${what}${left}`, way: "control", disarmed };
  } finally {
    await bus.close();
  }
}

/** Nodes that are disarmed by the bus or by a signal, as they last said of themselves. */
async function disarmedBySignal(bus: OperatorBus, only: string | undefined): Promise<string[]> {
  const { nodes: all } = await readStatus(bus, new Date());
  return all
    .filter(({ node, state }) => state === "disarmed" && (only === undefined || node === only))
    .map(({ node }) => node);
}

function nodes(names: readonly string[]): string {
  return names.map((name) => (name === "all" ? "all nodes" : name)).join(", ");
}
