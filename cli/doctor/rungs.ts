import type { RungProbe } from "../../agent/kernel/probe.ts";
import { commandName } from "../command-name.ts";
import { missing, ok, unknown } from "./check.ts";
import type { Check } from "./check.ts";

/** A line for each hook: at which rung this kernel takes it, found by loading it for trial. */
export async function rungChecks(canLoad: boolean): Promise<Check[]> {
  if (process.getuid?.() !== 0) {
    return [unknown("hooks", "programs can only be loaded for trial by root", `sudo ${commandName()} doctor`)];
  }
  if (!canLoad) return [unknown("hooks", "programs cannot be loaded for trial", "mend what is missing above first")];
  const { probeRungs } = await import("../../agent/kernel/probe.ts");
  try {
    return probeRungs().map((rung) => rungCheck(rung));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return [missing("hooks", message, `REEVE_DEBUG=1 ${commandName()} run agent says more`)];
  }
}

/** Required is only what the agent observes processes by; what it does not use yet is told for those who wonder. */
export function rungCheck(probe: RungProbe): Check {
  const name = `${probe.hook} by ${probe.rung}`;
  const required = probe.used && probe.hook === "process_exec";
  if (probe.ok) return ok(name, probe.detail || (probe.can_deny ? "can deny" : "observes"), required);
  const help = probe.used
    ? "the hook does nothing on this kernel without it; see the README's table of kernels"
    : "nothing to do: Reeve does not use this rung yet";
  return missing(name, probe.detail, help, required);
}
