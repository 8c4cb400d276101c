import { readFileSync } from "node:fs";
import { join } from "node:path";
import { commandName } from "../command-name.ts";
import { CliError } from "../errors.ts";
import { EXIT } from "../exit.ts";

/**
 * Signals the agent of this host, found by its pid file; returns its pid. A pid that now belongs to another program is not
 * signalled. Throws with code `not_running` or `needs_root`.
 */
export function disarmLocal(runDir: string, verb: string): number {
  const file = join(runDir, "agent.pid");
  const pid = readPid(file);
  if (pid === undefined || !isAgent(pid)) {
    throw new CliError(
      "not_running",
      `no agent runs here: ${file} ${pid === undefined ? "is not there" : "is stale"}`,
      {
        exit: EXIT.unreachable,
        help: "an agent that is gone denies nothing; for another instance give --instance NAME",
      },
    );
  }
  try {
    process.kill(pid, "SIGUSR2");
  } catch (cause) {
    throw new CliError("needs_root", `the agent (pid ${pid}) may only be signalled by root`, {
      exit: EXIT.root,
      help: `sudo ${commandName()} ${verb} --local`,
      cause,
    });
  }
  return pid;
}

function readPid(file: string): number | undefined {
  try {
    const pid = Number.parseInt(readFileSync(file, "utf8"), 10);
    return Number.isInteger(pid) && pid > 1 ? pid : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EACCES") return undefined;
    throw new CliError("needs_root", `${file} may only be read by root`, { exit: EXIT.root, help: "use sudo" });
  }
}

/** Whether the process is `... cli/main.ts run agent ...`. */
export function isAgent(pid: number): boolean {
  try {
    const args = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
    const run = args.indexOf("run");
    return run > 0 && args[run + 1] === "agent" && args[run - 1]!.endsWith("cli/main.ts");
  } catch {
    return false;
  }
}
