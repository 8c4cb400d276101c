import { existsSync } from "node:fs";
import { hostname } from "node:os";
import { join, resolve } from "node:path";

/** Defaults that depend on the host or on other settings. `get` gives a setting's value that is already known. */
export function derivedDefault(name: string, get: (name: string) => unknown, base: string): unknown {
  const instance = get("instance") as string;
  const suffix = instance === "default" ? "" : `-${instance}`;
  switch (name) {
    case "node":
    case "engine.name":
      return hostname();
    case "run_dir":
      return `/run/reeve${suffix}`;
    case "data_dir":
      return `/var/lib/reeve${suffix}`;
    case "bus.credentials_dir":
      return join(get("run_dir") as string, "credentials");
    case "bus.nodes":
      return [get("node")];
    case "agent.own_cgroup":
      return `/reeve${suffix}`;
    case "rules.dirs": {
      const policies = resolve(base, "policies");
      return existsSync(policies) ? [policies] : [];
    }
    default:
      throw new Error(`setting ${name} has no default`);
  }
}
