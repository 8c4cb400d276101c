import type { Command } from "commander";
import { collect } from "./verbs/verb.ts";

/** Flags that say where the configuration and the bus are; all verbs that need either have them. */
export interface ConfigFlags {
  config?: string;
  instance?: string;
  nats?: string;
  node?: string;
  rules?: string[];
  enforce?: boolean;
}

export function withConfigFlags(command: Command): Command {
  return command
    .option("--config <file>", "reeve.yaml to read (default: ./reeve.yaml where there is one)")
    .option("--instance <name>", "which Reeve of this host (default: default)")
    .option("--nats <url>", "bus to use, like nats://127.0.0.1:4222 (default: the one that reeve up started)");
}

export function withRulesFlag(command: Command): Command {
  return command.option(
    "--rules <dir>",
    "directory of your own rules and policies; repeatable (default: ./policies)",
    collect,
  );
}
