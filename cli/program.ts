import { readFileSync } from "node:fs";
import { Command, CommanderError } from "commander";
import { EXIT, EXIT_HELP } from "./exit.ts";
import { alertsVerb } from "./verbs/alerts.ts";
import { configVerb } from "./verbs/config.ts";
import { denialsVerb } from "./verbs/denials.ts";
import { armVerb, disarmVerb } from "./verbs/disarm.ts";
import { doctorVerb } from "./verbs/doctor.ts";
import { eventsVerb } from "./verbs/events.ts";
import { rulesVerb } from "./verbs/rules.ts";
import { runVerb } from "./verbs/run.ts";
import { selectorsVerb } from "./verbs/selectors.ts";
import { statusVerb } from "./verbs/status.ts";
import { upVerb } from "./verbs/up.ts";
import { whyVerb } from "./verbs/why.ts";

/** Says the exit code of a verb that ended without an error but with a negative answer. */
export type SetExit = (code: number) => void;

/** The whole command line. Verbs load what they need when they run, so that `--help` is quick. */
export function buildProgram(setExit: SetExit): Command {
  const program = new Command("reeve")
    .description("Runtime security for Linux: rules in Rego and JSONata decide, the kernel carries it out.")
    .version(version(), "-V, --version")
    .addHelpText(
      "after",
      `\nExamples:\n  sudo reeve up\n  reeve events -o compact --binary /usr/bin/curl\n  reeve why <alert id>\n\n${EXIT_HELP}`,
    );
  for (const make of [
    upVerb,
    doctorVerb,
    eventsVerb,
    alertsVerb,
    denialsVerb,
    whyVerb,
    statusVerb,
    disarmVerb,
    armVerb,
    selectorsVerb,
    rulesVerb,
    configVerb,
    runVerb,
  ]) {
    program.addCommand(make(setExit));
  }
  prepare(program);
  return program;
}

/** Runs one command line; returns the exit code. What a verb throws is thrown on. */
export async function runProgram(args: readonly string[]): Promise<number> {
  let exit: number = EXIT.ok;
  const program = buildProgram((code) => (exit = code));
  try {
    await program.parseAsync(args, { from: "user" });
    return exit;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Help and version were printed; a wrong command line was explained.
    return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  }
}

/** Every command throws instead of exiting, and says where its help is when it is called wrongly. */
function prepare(command: Command): void {
  command.exitOverride().configureOutput({
    outputError: (text, write) => write(text.replace(/^error: /, "reeve: ")),
  });
  const path: string[] = [];
  for (let at: Command | null = command; at; at = at.parent) path.unshift(at.name());
  command.showHelpAfterError(`       ${path.join(" ")} --help shows what is allowed`);
  for (const child of command.commands) prepare(child);
}

function version(): string {
  const file = new URL("../package.json", import.meta.url);
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}
