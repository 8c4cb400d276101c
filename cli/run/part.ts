import { join } from "node:path";
import { requireRoot } from "../errors.ts";
import { loadFor } from "../load.ts";
import type { Flags } from "../load.ts";
import { repoDir } from "../repo.ts";
import { interruption } from "../stream/interrupt.ts";

/** Runs one part until SIGTERM or Ctrl-C; resolves after its clean stop. */
export async function runPart(part: "agent" | "engine" | "controller", flags: Flags): Promise<void> {
  const { config } = loadFor(flags);
  const signal = interruption();
  if (part === "agent") {
    requireRoot("run agent", "it loads eBPF programs");
    const { runAgent } = await import("../../agent/main.ts");
    await runAgent(config, signal);
  } else if (part === "engine") {
    const { runEngine } = await import("../../rules/main.ts");
    await runEngine(config, signal);
  } else {
    const { runController } = await import("../../controller/main.ts");
    const buildCommand = [process.execPath, join(repoDir(), "cli/main.ts"), "rules", "build"];
    await runController(config, signal, { buildCommand });
  }
}
