import { Command } from "commander";
import { EXIT_HELP } from "../exit.ts";

/** A verb: its name and arguments (`why <id>`), what it does in one line, and examples for its help. */
export function verb(usage: string, summary: string, examples: readonly string[]): Command {
  const [name, ...args] = usage.split(" ");
  const command = new Command(name).description(summary);
  for (const argument of args) command.argument(argument);
  const lines = examples.map((example) => `  ${example}`).join("\n");
  return command.addHelpText("after", `\nExamples:\n${lines}\n\n${EXIT_HELP}`);
}

/** Collects an option that may be given several times. */
export function collect(value: string, before: string[] | undefined): string[] {
  return [...(before ?? []), value];
}

/** Collects an option that may be given several times, or once with commas. */
export function words(value: string, before: string[] | undefined): string[] {
  return [...(before ?? []), ...value.split(",").map((word) => word.trim())];
}
