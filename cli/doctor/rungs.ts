import type { RungProbe } from "../../agent/kernel/probe.ts";
import { commandName } from "../command-name.ts";
import { missing, ok, unknown } from "./check.ts";
import type { Check } from "./check.ts";

/** What most selectors are about; `reeve doctor --hooks` shows all. */
const SHOWN: ReadonlySet<string> = new Set(["process_exec", "process_seed", "network_connect", "file_open"]);

/** A line for each of these hooks' rungs: whether this kernel takes it, found by loading it for trial. */
export async function rungChecks(canLoad: boolean): Promise<Check[]> {
  if (process.getuid?.() !== 0) {
    return [unknown("hooks", "programs can only be loaded for trial by root", `sudo ${commandName()} doctor`)];
  }
  if (!canLoad) return [unknown("hooks", "programs cannot be loaded for trial", "mend what is missing above first")];
  const { probeRungs } = await import("../../agent/kernel/probe.ts");
  try {
    return probeRungs((hook) => SHOWN.has(hook)).map((rung) => rungCheck(rung));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return [missing("hooks", message, `REEVE_DEBUG=1 ${commandName()} run agent says more`)];
  }
}

/** Required is only what the agent observes processes by; of the other hooks a weaker rung is better than none. */
export function rungCheck(probe: RungProbe): Check {
  const name = `${probe.hook} by ${probe.rung}`;
  const required = probe.hook === "process_exec" && probe.rung === "tp_btf";
  if (probe.ok) return ok(name, `${probe.used ? "in use: " : "works too: "}${probe.detail}`, required);
  const help = required
    ? "Reeve cannot see processes on this kernel without it; see the README's table of kernels"
    : "nothing to do: the agent takes the next rung of this hook that works, if there is one";
  return missing(name, probe.detail, help, required);
}
