import { existsSync, readFileSync, readdirSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { must, run } from "./run.ts";

const FORWARD = "/proc/sys/net/ipv4/ip_forward";
const TABLES = ["filter", "nat"];

/** What a Docker engine changes on a machine besides its own files; `restore` puts it back. */
export interface HostState {
  restore(): Promise<void>;
}

/**
 * A bridge for the engine alone: the usual docker0 goes away when another engine on the machine starts without one.
 * Remembers the packet filter, forwarding and the cgroups that are there.
 */
export async function prepareHost(bridge: string, address: string, env: NodeJS.ProcessEnv): Promise<HostState> {
  const forward = readFileSync(FORWARD, "utf8");
  const filters = new Map<string, string>();
  for (const table of TABLES) filters.set(table, await must("iptables-save", ["-t", table], { env }));
  const cgroups = new Set(cgroupsOfDocker());
  await run("ip", ["link", "del", bridge], { env });
  await must("ip", ["link", "add", bridge, "type", "bridge"], { env });
  await must("ip", ["addr", "add", address, "dev", bridge], { env });
  await must("ip", ["link", "set", bridge, "up"], { env });
  return {
    async restore() {
      await run("ip", ["link", "del", bridge], { env });
      for (const input of filters.values()) await run("iptables-restore", [], { env, input });
      writeFileSync(FORWARD, forward);
      for (const dir of cgroupsOfDocker()) {
        // Deepest first; a cgroup that holds somebody cannot be removed.
        if (!cgroups.has(dir)) removeEmptyTree(dir);
      }
    },
  };
}

/** The cgroups below which Docker puts containers and builds, in every hierarchy. */
function cgroupsOfDocker(): string[] {
  const found: string[] = [];
  for (const line of readFileSync("/proc/self/mounts", "utf8").split("\n")) {
    const [, at = "", type = ""] = line.split(" ");
    if (type === "cgroup" || type === "cgroup2") found.push(join(at, "docker"));
  }
  return found.filter((dir) => existsSync(dir));
}

function removeEmptyTree(dir: string): void {
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    if (entry.isDirectory()) removeEmptyTree(join(dir, entry.name));
  }
  try {
    rmdirSync(dir);
  } catch {
    // Somebody else's.
  }
}
