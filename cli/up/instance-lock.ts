import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CliError } from "../errors.ts";

/** One `reeve up` for each run directory: a pid file, believed only while that pid is a `reeve up`. */
export class InstanceLock {
  readonly #file: string;

  private constructor(file: string) {
    this.#file = file;
  }

  /** Throws with code `already_running`. */
  static take(runDir: string): InstanceLock {
    mkdirSync(runDir, { recursive: true, mode: 0o755 });
    const file = join(runDir, "up.pid");
    for (let tries = 0; ; tries++) {
      try {
        writeFileSync(file, `${process.pid}\n`, { flag: "wx" });
        return new InstanceLock(file);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST" || tries > 2) throw error;
      }
      const pid = Number.parseInt(readFileSync(file, "utf8"), 10);
      if (isUp(pid)) {
        throw new CliError("already_running", `reeve up runs already for ${runDir} (pid ${pid})`, {
          help: "stop it first, or start another one beside it with --instance NAME",
        });
      }
      rmSync(file, { force: true });
    }
  }

  release(): void {
    rmSync(this.#file, { force: true });
  }
}

/** Whether a `reeve up` runs with this run directory. */
export function isUpRunning(runDir: string): boolean {
  try {
    return isUp(Number.parseInt(readFileSync(join(runDir, "up.pid"), "utf8"), 10));
  } catch {
    return false;
  }
}

function isUp(pid: number): boolean {
  if (!Number.isInteger(pid) || pid === process.pid) return false;
  try {
    const args = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
    return args.some((arg, i) => arg.endsWith("cli/main.ts") && args[i + 1] === "up");
  } catch {
    return false;
  }
}
