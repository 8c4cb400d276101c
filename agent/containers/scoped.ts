import { join } from "node:path";
import type { ContainerLookup } from "../selectors/container-scopes.ts";
import type { Containers } from "./containers.ts";

/** The containers as the selectors see them; `cgroupRoot` is the mount of the v2 hierarchy. */
export function scopedContainers(containers: Containers, cgroupRoot: string): ContainerLookup {
  return {
    get nameless() {
      return containers.nameless;
    },
    *all() {
      for (const { facts, cgroups, goneSince } of containers.book.all()) {
        if (goneSince !== null) continue;
        const places = [...cgroups].map(([id, path]) => ({ id: BigInt(id), directory: join(cgroupRoot, path) }));
        yield { names: facts, cgroups: places };
      }
    },
  };
}
