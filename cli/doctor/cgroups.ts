import { readFileSync, readdirSync } from "node:fs";
import { findCgroup2 } from "../up/own-cgroup.ts";
import { missing, ok } from "./check.ts";
import type { Check } from "./check.ts";

/** 64 hex digits are how docker, containerd, cri-o and podman name a container in its cgroup's path. */
const CONTAINER = /[0-9a-f]{64}/;

export interface CgroupFacts {
  /** Where v2 is mounted; undefined when it is not. */
  v2: string | undefined;
  /** Names of the v1 hierarchies. */
  v1: string[];
  /** Of the processes that are in a container: in how many the v2 path says so, and in how many only a v1 path does. */
  namedByV2: number;
  namedByV1Only: number;
}

export function cgroupFacts(): CgroupFacts {
  const mounts = readFileSync("/proc/self/mounts", "utf8");
  const facts: CgroupFacts = { v2: findCgroup2(mounts), v1: v1Hierarchies(mounts), namedByV2: 0, namedByV1Only: 0 };
  for (const pid of readdirSync("/proc")) {
    if (!/^\d+$/.test(pid)) continue;
    const named = namedBy(readOrEmpty(`/proc/${pid}/cgroup`));
    if (named === "v2") facts.namedByV2++;
    if (named === "v1") facts.namedByV1Only++;
  }
  return facts;
}

/** Which hierarchy names the container of a process, from the text of its /proc/PID/cgroup. */
export function namedBy(text: string): "v2" | "v1" | undefined {
  let v1 = false;
  for (const line of text.split("\n")) {
    if (!CONTAINER.test(line)) continue;
    if (line.startsWith("0::")) return "v2";
    v1 = true;
  }
  return v1 ? "v1" : undefined;
}

export function cgroupCheck(facts: CgroupFacts): Check {
  if (!facts.v2) {
    return missing(
      "cgroups",
      `v1 only (${facts.v1.join(", ") || "nothing mounted"})`,
      "mkdir -p /sys/fs/cgroup/unified && mount -t cgroup2 none /sys/fs/cgroup/unified",
    );
  }
  const side = facts.v1.length === 0 ? "v2 alone" : `v2 and v1 side by side (v1: ${facts.v1.join(", ")})`;
  const names =
    facts.namedByV2 > 0
      ? "the v2 path names containers, seen on running ones"
      : "no container runs now; v2 paths will name them";
  const base = `${side}, v2 at ${facts.v2}; ${names}`;
  if (facts.namedByV1Only === 0) return ok("cgroups", base);
  return missing(
    "cgroups",
    `${side}, v2 at ${facts.v2}; ${facts.namedByV1Only} processes are in a container that only a v1 path names`,
    "boot with systemd.unified_cgroup_hierarchy=1, else those containers cannot be a scope",
    false,
  );
}

function v1Hierarchies(mounts: string): string[] {
  const found: string[] = [];
  for (const line of mounts.split("\n")) {
    const [, at, type] = line.split(" ");
    if (type === "cgroup" && at) found.push(at.slice(at.lastIndexOf("/") + 1));
  }
  return found;
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // it ended meanwhile, or is not ours to read
  }
}
