import { basename } from "node:path";
import type { EventView } from "../output/event-view.ts";

export interface EventFilter {
  kinds?: readonly string[];
  pids?: readonly number[];
  /** Whole path, base name, or a pattern with `*`. */
  binaries?: readonly string[];
  /** Name, service of compose, or the beginning of the id. */
  containers?: readonly string[];
  nodes?: readonly string[];
}

/** Whether an event passes: every filter given must be met, by any of its values. */
export function passes(event: EventView, filter: EventFilter): boolean {
  const { process } = event;
  return (
    any(filter.kinds, (kind) => event.kind === kind) &&
    any(filter.nodes, (node) => event.node === node) &&
    any(filter.pids, (pid) => process?.pid === pid) &&
    any(filter.binaries, (wanted) => isBinary(process?.binary, wanted)) &&
    any(filter.containers, (wanted) => isContainer(process?.container, wanted))
  );
}

function any<T>(wanted: readonly T[] | undefined, test: (value: T) => boolean): boolean {
  return wanted === undefined || wanted.length === 0 || wanted.some(test);
}

function isBinary(binary: string | undefined, wanted: string): boolean {
  if (binary === undefined) return false;
  const subject = wanted.includes("/") ? binary : basename(binary);
  if (!wanted.includes("*")) return subject === wanted;
  const pattern = wanted
    .split("*")
    .map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, String.raw`\$&`))
    .join(".*");
  return new RegExp(`^${pattern}$`, "s").test(subject);
}

interface NamedContainer {
  id?: string;
  name?: string | null;
  service?: string | null;
}

function isContainer(container: NamedContainer | null | undefined, wanted: string): boolean {
  if (!container) return false;
  if (container.name === wanted || container.service === wanted) return true;
  return wanted.length >= 4 && container.id?.startsWith(wanted) === true;
}
