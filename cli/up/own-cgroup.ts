import { existsSync, mkdirSync, readFileSync, readdirSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { CliError } from "../errors.ts";

/** Where the v2 hierarchy is mounted, from the text of /proc/self/mounts; undefined when it is not. */
export function findCgroup2(mounts: string): string | undefined {
  for (const line of mounts.split("\n")) {
    const [, at, type] = line.split(" ");
    if (type === "cgroup2" && at) return at.replaceAll(String.raw`\040`, " ");
  }
  return undefined;
}

/** Path in the v2 hierarchy, from the text of /proc/PID/cgroup. */
export function cgroup2Path(text: string): string | undefined {
  return /^0::(.*)$/m.exec(text)?.[1];
}

/**
 * Reeve's own cgroup, which enforcement never touches: the supervisor moves in before it starts anybody, so that all its
 * processes are born there, and moves back where it came from at the end.
 */
export class OwnCgroup {
  readonly dir: string;
  readonly #before: string;

  private constructor(dir: string, before: string) {
    this.dir = dir;
    this.#before = before;
  }

  /** Makes the cgroup `path` (like `/reeve`) and moves this process into it. Throws with code `cgroup`. */
  static async enter(path: string): Promise<OwnCgroup> {
    const root = findCgroup2(readFileSync("/proc/self/mounts", "utf8"));
    if (!root) {
      throw new CliError("cgroup", "the cgroup v2 hierarchy is not mounted on this host", {
        help: "mkdir -p /sys/fs/cgroup/unified && mount -t cgroup2 none /sys/fs/cgroup/unified",
      });
    }
    const dir = join(root, path);
    const before = cgroup2Path(readFileSync("/proc/self/cgroup", "utf8")) ?? "/";
    try {
      mkdirSync(dir, { recursive: true });
      if (before !== path) await killLeftovers(dir);
      writeFileSync(join(dir, "cgroup.procs"), String(process.pid));
    } catch (cause) {
      if (cause instanceof CliError) throw cause;
      throw new CliError("cgroup", `cannot move into the cgroup ${dir}: ${(cause as Error).message}`, { cause });
    }
    // Started from inside it (a supervisor in a service's cgroup of that name): there is nowhere to go back to but the root.
    return new OwnCgroup(dir, join(root, before === path ? "/" : before));
  }

  /** Moves back and removes the cgroup. What is still in it is left alone, and the cgroup with it. */
  async leave(): Promise<void> {
    const home = existsSync(this.#before) ? this.#before : join(this.dir, "..");
    writeFileSync(join(home, "cgroup.procs"), String(process.pid));
    for (let tries = 0; tries < 20; tries++) {
      try {
        removeTree(this.dir);
        return;
      } catch (error) {
        // A process that has just ended is in it until it is reaped.
        if ((error as NodeJS.ErrnoException).code !== "EBUSY") return;
        await sleep(25);
      }
    }
  }
}

/** What a supervisor that was killed left running; called only by who holds the instance's lock. */
async function killLeftovers(dir: string): Promise<void> {
  for (let tries = 0; ; tries++) {
    const pids = readFileSync(join(dir, "cgroup.procs"), "utf8").split("\n").filter(Boolean);
    if (pids.length === 0) return;
    if (tries === 0 && existsSync(join(dir, "cgroup.kill"))) writeFileSync(join(dir, "cgroup.kill"), "1");
    else if (tries === 0) for (const pid of pids) process.kill(Number(pid), "SIGKILL");
    if (tries > 40) {
      throw new CliError("cgroup", `the cgroup ${dir} holds processes that do not end: ${pids.join(", ")}`);
    }
    await sleep(50);
  }
}

function removeTree(dir: string): void {
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    if (entry.isDirectory()) removeTree(join(dir, entry.name));
  }
  rmdirSync(dir);
}
