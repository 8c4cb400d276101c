import { readFileSync, readdirSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { type ContainerFacts, withCompose } from "./container.ts";

/*
 * Containers that no Docker-compatible socket tells of: containerd, cri-o and podman lay an OCI bundle of each under /run
 * before runc makes its cgroup. Reading it there, and not asking containerd by gRPC, means that the answer is there when the
 * cgroup appears, that a containerd which restarts or hangs delays nothing, and that no protocol has to be followed. It says
 * less: what the runtime wrote as annotations, and no label that it keeps for itself.
 */

/** Annotations that say a container's name, by runtime; a pod's sandbox has the pod's. */
const NAMES = [
  "io.kubernetes.cri.container-name",
  "io.kubernetes.container.name",
  "nerdctl/name",
  "io.kubernetes.cri.sandbox-name",
];
const IMAGES = ["io.kubernetes.cri.image-name", "io.kubernetes.cri-o.ImageName", "io.kubernetes.cri-o.Image"];
/** cri-o writes the labels, as JSON, into one. */
const LABELS = "io.kubernetes.cri-o.Labels";
const CONFIG_MAX = 4 * 1024 * 1024;

/** What the annotations of an OCI config say; undefined when they name nothing. */
export function factsOfBundle(id: string, config: unknown): ContainerFacts | undefined {
  const annotations = texts((config as { annotations?: unknown } | null)?.annotations);
  const first = (keys: readonly string[]) => keys.map((key) => annotations[key]).find((it) => it !== undefined) ?? null;
  const name = first(NAMES);
  const image = first(IMAGES);
  if (name === null && image === null) return undefined;
  return withCompose({ id, name, image, labels: labelsOf(annotations) });
}

function labelsOf(annotations: Record<string, string>): Record<string, string> {
  const { [LABELS]: written, ...rest } = annotations;
  if (written === undefined) return rest;
  try {
    return texts(JSON.parse(written));
  } catch {
    return rest;
  }
}

function texts(value: unknown): Record<string, string> {
  const entries = typeof value === "object" && value !== null ? Object.entries(value) : [];
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === "string"));
}

/** The bundles below some directories: paths with `{id}`, and `*` for one directory of any name. */
export class Bundles {
  readonly patterns: readonly string[];
  readonly counters = { read: 0, unreadable: 0 };

  constructor(patterns: readonly string[]) {
    this.patterns = patterns;
  }

  /** Whether a runtime that writes bundles is or was here. */
  get present(): boolean {
    return this.patterns.some((pattern) => isDirectory(pattern.slice(0, pattern.search(/[*{]/))));
  }

  /** Who a container is, and which file says so; undefined when none does. */
  find(id: string): { facts: ContainerFacts; file: string } | undefined {
    for (const file of this.patterns.flatMap((pattern) => expand(pattern.replaceAll("{id}", id)))) {
      const facts = this.#read(id, file);
      if (facts !== undefined) return { facts, file };
    }
    return undefined;
  }

  #read(id: string, file: string): ContainerFacts | undefined {
    try {
      if (statSync(file).size > CONFIG_MAX) throw new Error("too large");
      const config: unknown = JSON.parse(readFileSync(file, "utf8"));
      this.counters.read++;
      return factsOfBundle(id, config);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") this.counters.unreadable++;
      return undefined;
    }
  }
}

/** Paths that a pattern may mean; a `*` stands for one directory. */
function expand(pattern: string): string[] {
  const star = pattern.indexOf("*");
  if (star < 0) return [pattern];
  const parent = dirname(`${pattern.slice(0, star)}x`);
  const rest = pattern.slice(star + 1);
  try {
    return readdirSync(parent).flatMap((name) => expand(`${parent}/${name}${rest}`));
  } catch {
    return [];
  }
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}
