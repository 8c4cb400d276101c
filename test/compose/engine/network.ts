import { existsSync, readFileSync, readdirSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { must, run } from "./run.ts";

const FORWARD = "/proc/sys/net/ipv4/ip_forward";
const TABLES = ["filter", "nat"];

/** What a Docker engine changes on a machine besides its own files, as it was before. */
interface HostState {
  bridge: string;
  forward: string;
  filters: string[];
  cgroups: string[];
}

/**
 * A bridge for the engine alone: the usual docker0 goes away when another engine on the machine starts without one. What was
 * before is kept in `file`, so that a later run can put it back as well.
 */
export async function prepareHost(
  bridge: string,
  address: string,
  file: string,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  const filters: string[] = [];
  for (const table of TABLES) filters.push(await must("iptables-save", ["-t", table], { env }));
  const state: HostState = { bridge, forward: readFileSync(FORWARD, "utf8"), filters, cgroups: cgroupsOfDocker() };
  writeFileSync(file, JSON.stringify(state));
  await run("ip", ["link", "del", bridge], { env });
  await must("ip", ["link", "add", bridge, "type", "bridge"], { env });
  await must("ip", ["addr", "add", address, "dev", bridge], { env });
  await must("ip", ["link", "set", bridge, "up"], { env });
}

/** Puts back what `prepareHost` found: bridge, packet filter, forwarding, cgroups. */
export async function restoreHost(file: string, env: NodeJS.ProcessEnv): Promise<void> {
  if (!existsSync(file)) return;
  const before = JSON.parse(readFileSync(file, "utf8")) as HostState;
  await run("ip", ["link", "del", before.bridge], { env });
  for (const input of before.filters) await run("iptables-restore", [], { env, input });
  writeFileSync(FORWARD, before.forward);
  for (const dir of cgroupsOfDocker()) if (!before.cgroups.includes(dir)) removeEmptyTree(dir);
}

/** Unmounts all that is mounted below the directories, what was mounted last first. */
export async function unmountBelow(dirs: readonly string[]): Promise<void> {
  const mounts = readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .map((line) => line.split(" ")[1] ?? "")
    .filter((at) => dirs.some((dir) => at.startsWith(`${dir}/`)));
  for (const at of mounts.reverse()) await run("umount", ["-l", at]);
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

/** Deepest first; a cgroup that holds somebody cannot be removed. */
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
