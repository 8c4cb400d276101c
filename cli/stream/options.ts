import { InvalidArgumentError } from "commander";
import type { Command } from "commander";
import { parseSince } from "../output/duration.ts";
import { collect } from "../verbs/verb.ts";
import type { EventFilter } from "./filter.ts";

export interface StreamFlags {
  output: "compact" | "text" | "json" | "yaml";
  since?: Date;
  follow: boolean;
  max?: number;
  timestamps?: boolean;
  kind?: string[];
  pid?: number[];
  binary?: string[];
  container?: string[];
  node?: string[];
}

/** Flags that `events` and `denials` share; `alerts` takes the ones without a process. */
export function withStreamFlags(command: Command): Command {
  return command
    .option("--since <time>", "begin with what is kept since then: 10m, 2h, or 2026-01-31T10:00:00Z", since)
    .option("--no-follow", "end when all that is kept was printed (from the beginning unless --since is given)")
    .option("-n, --max <count>", "end after so many", positive)
    .option("--timestamps", "begin each line with the whole time, as -o json has it")
    .option("--node <name>", "of this node; repeatable", collect);
}

export function withProcessFlags(command: Command): Command {
  return command
    .option("--pid <pid>", "of this process; repeatable", (value: string, before?: number[]) => [
      ...(before ?? []),
      positive(value),
    ])
    .option("--binary <path>", "of this binary: path, base name, or pattern with *; repeatable", collect)
    .option("--container <name>", "of this container: name, service, or beginning of its id; repeatable", collect);
}

export function filterOf(flags: StreamFlags): EventFilter {
  return {
    ...(flags.kind ? { kinds: flags.kind } : {}),
    ...(flags.pid ? { pids: flags.pid } : {}),
    ...(flags.binary ? { binaries: flags.binary } : {}),
    ...(flags.container ? { containers: flags.container } : {}),
    ...(flags.node ? { nodes: flags.node } : {}),
  };
}

/** What the bus can pick out by itself: kinds, and a single node. */
export function eventScope(
  flags: StreamFlags,
  kinds: readonly string[] | undefined,
): { kinds?: string[]; node?: string } {
  const only = flags.node?.length === 1 ? flags.node[0] : undefined;
  return { ...(kinds?.length ? { kinds: [...kinds] } : {}), ...(only === undefined ? {} : { node: only }) };
}

function since(value: string): Date {
  const time = parseSince(value, new Date());
  if (!time) throw new InvalidArgumentError("it is a duration like 10m, or a time like 2026-01-31T10:00:00Z.");
  return time;
}

export function positive(value: string): number {
  const number = Number(value);
  if (!Number.isInteger(number) || number < 1) throw new InvalidArgumentError("it is a whole number from 1 on.");
  return number;
}
