import { closeSync, constants, existsSync, openSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { join } from "node:path";
import { openByHandle } from "../kernel/libc.ts";

/** FILEID_KERNFS: a file handle that is nothing but the 64-bit id of a cgroup. */
const FILEID_KERNFS = 0xfe;
const HANDLE_BYTES = 16;
const CACHE_MAX = 4096;
const FORGET_MISSING_MS = 1000;

/** Where the v2 hierarchy is mounted: alone, or beside v1. Undefined where there is none. */
export function cgroup2Root(mounts = readFileSync("/proc/self/mounts", "utf8")): string | undefined {
  const roots = mounts
    .split("\n")
    .map((line) => line.split(" "))
    .filter((fields) => fields[2] === "cgroup2")
    .map((fields) => fields[1]!.replace(/\\040/g, " "));
  return roots.find((root) => root.startsWith("/sys/fs/cgroup")) ?? roots[0];
}

/** Where a v1 hierarchy that container runtimes use is mounted; undefined when this host has v2 only. */
export function cgroup1Root(): { root: string; controller: string } | undefined {
  for (const controller of ["pids", "memory", "cpuset", "devices"]) {
    const root = `/sys/fs/cgroup/${controller}`;
    if (existsSync(join(root, "cgroup.procs")) && existsSync(join(root, "tasks"))) return { root, controller };
  }
  return undefined;
}

/**
 * Paths of one hierarchy's cgroups by id, from the hierarchy's root ("/", "/docker/3f..."). An id never names a second
 * cgroup, so a path once found stays right; what is not found is asked again after a second.
 */
export class CgroupPaths {
  readonly root: string;
  readonly #mountFd: number;
  readonly #paths = new Map<number, string>();
  readonly #missing = new Map<number, number>();

  constructor(root: string) {
    this.root = root;
    this.#mountFd = openSync(root, constants.O_RDONLY | constants.O_DIRECTORY);
  }

  /** The path of the cgroup with this id; null when it is gone (or was never there). */
  path(id: number): string | null {
    const known = this.#paths.get(id);
    if (known !== undefined) return known;
    if (id === 0 || this.#missingSince(id)) return null;
    const path = this.#open(id);
    if (path === null) remember(this.#missing, id, performance.now());
    else remember(this.#paths, id, path);
    return path;
  }

  /** The kernel has told of a cgroup: its path stays known when it is gone. */
  learn(id: number, path: string): void {
    this.#missing.delete(id);
    remember(this.#paths, id, path);
  }

  /** Id of the cgroup at `path` (from the hierarchy's root); undefined when there is none. */
  id(path: string): number | undefined {
    try {
      return Number(statSync(join(this.root, path), { bigint: true }).ino);
    } catch {
      return undefined;
    }
  }

  close(): void {
    closeSync(this.#mountFd);
  }

  #missingSince(id: number): boolean {
    const since = this.#missing.get(id);
    if (since === undefined) return false;
    if (performance.now() - since < FORGET_MISSING_MS) return true;
    this.#missing.delete(id);
    return false;
  }

  /** The kernel finds the directory by its id, however many there are. */
  #open(id: number): string | null {
    const handle = Buffer.alloc(HANDLE_BYTES);
    handle.writeUInt32LE(8, 0);
    handle.writeInt32LE(FILEID_KERNFS, 4);
    handle.writeBigUInt64LE(BigInt(id), 8);
    const fd = openByHandle(this.#mountFd, handle);
    if (fd < 0) return null;
    try {
      const path = readlinkSync(`/proc/self/fd/${fd}`);
      if (path.endsWith(" (deleted)")) return null;
      if (path === this.root) return "/";
      return path.startsWith(`${this.root}/`) ? path.slice(this.root.length) : null;
    } catch {
      return null;
    } finally {
      closeSync(fd);
    }
  }
}

function remember<T>(map: Map<number, T>, id: number, value: T): void {
  if (map.size >= CACHE_MAX) map.delete(map.keys().next().value!);
  map.set(id, value);
}
