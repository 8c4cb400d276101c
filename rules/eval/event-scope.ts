import { containerPartOf, isInContainerScope } from "../../bus/container-scope.ts";
import type { Event, Process } from "../../bus/generated/events.ts";
import type { EventScope } from "../model/rule.ts";

/** Whether an event comes from where the scope says; one that tells of no process comes from no cgroup, container or pod. */
export function isInScope(scope: EventScope | undefined, event: Event): boolean {
  if (scope === undefined) return true;
  const { nodes, cgroup, pod } = scope;
  if (nodes !== undefined && !nodes.includes("*") && !nodes.includes(event.node)) return false;
  const process: Process | undefined = "process" in event ? event.process : undefined;
  const containers = containerPartOf(scope);
  if (containers !== undefined) {
    const container = process?.container ?? null;
    if (container === null || !isInContainerScope(containers, container)) return false;
  }
  return (cgroup === undefined || isBelow(cgroup, process)) && (pod === undefined || isInPod(pod, process));
}

function isBelow(cgroup: string, process: Process | undefined): boolean {
  const path = process?.cgroup.path ?? null;
  if (path === null) return false;
  const above = cgroup.replace(/\/+$/, "");
  return path === above || path.startsWith(`${above}/`);
}

function isInPod(wanted: NonNullable<EventScope["pod"]>, process: Process | undefined): boolean {
  const pod = process?.pod ?? null;
  if (pod === null || (wanted.namespace !== undefined && pod.namespace !== wanted.namespace)) return false;
  return Object.entries(wanted.labels ?? {}).every(([name, value]) => pod.labels[name] === value);
}
