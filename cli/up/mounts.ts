import { dirname, relative } from "node:path";

/** `from` (a place on this host) is seen at `to` in the process's own mount namespace. */
export interface Mount {
  to: string;
  from: string;
  writable: boolean;
}

/**
 * Which directories have to be covered so that a user without rights can reach `mounts`: of each path the topmost ancestor
 * that others may not enter. Parents come before children in what is returned, and nothing is named twice.
 * @param enterable whether others may enter a directory (its mode has x for others)
 */
export function coversFor(mounts: readonly Mount[], enterable: (dir: string) => boolean): string[] {
  const covers = new Set<string>();
  for (const { to } of mounts) {
    const barrier = ancestors(to).find((dir) => dir !== "/" && !enterable(dir));
    if (barrier !== undefined) covers.add(barrier);
  }
  const sorted = [...covers].sort();
  return sorted.filter((dir) => !sorted.some((other) => other !== dir && isUnder(dir, other)));
}

/** Mounts in the order in which they can be made: parents first, and none that its parent's mount brings along unchanged. */
export function orderMounts(mounts: readonly Mount[]): Mount[] {
  const sorted = [...mounts].sort((a, b) => (a.to < b.to ? -1 : a.to > b.to ? 1 : 0));
  const kept: Mount[] = [];
  for (const mount of sorted) {
    const parent = kept.findLast((other) => mount.to === other.to || isUnder(mount.to, other.to));
    const brought = parent && parent.writable === mount.writable && through(parent, mount.to) === mount.from;
    if (!brought) kept.push(mount);
  }
  return kept;
}

function through(parent: Mount, path: string): string {
  const rest = relative(parent.to, path);
  return rest === "" ? parent.from : `${parent.from}/${rest}`;
}

export function isUnder(path: string, dir: string): boolean {
  return dir === "/" ? path !== "/" : path.startsWith(`${dir}/`);
}

function ancestors(path: string): string[] {
  const found: string[] = [];
  for (let dir = dirname(path); ; dir = dirname(dir)) {
    found.unshift(dir);
    if (dir === "/") return found;
  }
}
