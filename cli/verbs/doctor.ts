import type { Command } from "commander";
import { withConfigFlags } from "../config-options.ts";
import { EXIT } from "../exit.ts";
import { outputOption } from "../output/format.ts";
import type { SetExit } from "../program.ts";
import { verb } from "./verb.ts";

export function doctorVerb(setExit: SetExit): Command {
  const command = verb(
    "doctor",
    "Look whether this host has what reeve up needs, and say what to do where it has not.",
    [
      "sudo reeve doctor",
      "sudo reeve doctor --hooks",
      "sudo reeve doctor -o json | jq '.checks[] | select(.state != \"ok\")'",
    ],
  )
    .addOption(outputOption("text", "json"))
    .option("--hooks", "instead: every hook, the rungs that this kernel takes for it, and what can be denied there");
  return withConfigFlags(command).action(async (flags: { output: "text" | "json"; hooks?: true }) => {
    if (flags.hooks === true) {
      setExit(await showHooks(flags.output));
      return;
    }
    const [{ loadFor }, { examine }, { wouldRun }, { doctorText }, { document }, { paintFor }, { printLine }] =
      await Promise.all([
        import("../load.ts"),
        import("../doctor/examine.ts"),
        import("../doctor/check.ts"),
        import("../doctor/report.ts"),
        import("../output/format.ts"),
        import("../output/paint.ts"),
        import("../output/print.ts"),
      ]);
    const checks = await examine(loadFor({ ...flags }).config);
    const would = wouldRun(checks);
    await printLine(
      flags.output === "json"
        ? document({ ok: would, root: process.getuid?.() === 0, checks }, "json")
        : doctorText(checks, paintFor(process.stdout)),
    );
    setExit(would ? EXIT.ok : EXIT.failed);
  });
}

/** Failed where a hook has no rung at all. */
async function showHooks(output: "text" | "json"): Promise<number> {
  const [{ hooksReport, hooksText }, { document }, { paintFor }, { printLine }, { CliError }] = await Promise.all([
    import("../doctor/hooks.ts"),
    import("../output/format.ts"),
    import("../output/paint.ts"),
    import("../output/print.ts"),
    import("../errors.ts"),
  ]);
  if (process.getuid?.() !== 0)
    throw new CliError("needs_root", "programs can only be loaded for trial by root: use sudo");
  const report = await hooksReport();
  await printLine(output === "json" ? document(report, "json") : hooksText(report, paintFor(process.stdout)));
  return report.hooks.every(({ rung }) => rung !== null) ? EXIT.ok : EXIT.failed;
}
