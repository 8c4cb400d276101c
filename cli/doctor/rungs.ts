import { missing, ok, unknown } from "./check.ts";
import type { Check } from "./check.ts";

/** Hooks that the main job stands on; the others only widen it. */
const REQUIRED = new Set(["process_exec"]);

/** A line for each hook: at which rung this kernel takes it, found by loading it for trial. */
export async function rungChecks(canLoad: boolean): Promise<Check[]> {
  if (process.getuid?.() !== 0) {
    return [unknown("hooks", "programs can only be loaded for trial by root", "sudo reeve doctor")];
  }
  if (!canLoad) return [unknown("hooks", "programs cannot be loaded for trial", "mend what is missing above first")];
  const { probeRungs } = await import("../../agent/kernel/probe.ts");
  try {
    return (await probeRungs()).map((rung) => rungCheck(rung));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return [missing("hooks", message, "REEVE_DEBUG=1 reeve run agent says more")];
  }
}

interface Rung {
  hook: string;
  rung: string;
  ok: boolean;
  can_deny: boolean;
  /** Whether the agent uses it; the others only say what the kernel would offer. */
  used: boolean;
  detail: string;
}

function rungCheck(rung: Rung): Check {
  const name = `${rung.hook} (${rung.rung})`;
  if (!rung.used) return ok(`${name}, not used`, rung.detail);
  const required = REQUIRED.has(rung.hook);
  if (rung.ok) return ok(name, rung.can_deny ? "loads; can deny" : "loads; observes", required);
  return missing(name, rung.detail, "another rung of this hook may serve", required);
}
