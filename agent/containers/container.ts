import type { ContainerNames } from "../../bus/container-scope.ts";
import { quote, quoteOrNull } from "../events/json.ts";

/** What a runtime says of a container. */
export interface ContainerFacts extends ContainerNames {
  project: string | null;
}

/** `pending`: somebody is being asked; `unknown`: nobody could say who it is, or not in time. */
export type ContainerState = "pending" | "known" | "unknown";

/** Every event carries the labels: what goes beyond is left out there, not in scopes. */
const LABEL_BYTES = 8192;

/** A container of this node. */
export class Container {
  readonly id: string;
  state: ContainerState = "pending";
  facts: ContainerFacts;
  /** Who said it: a socket, a bundle's file; "" while nobody has. */
  source = "";
  /** Its own cgroups in the v2 hierarchy that are there now, id -> path. */
  readonly cgroups = new Map<number, string>();
  /** Since when neither a cgroup nor a runtime has it (performance.now); null while one does. */
  goneSince: number | null = null;
  #json = "";

  constructor(id: string) {
    this.id = id;
    this.facts = nothingOf(id);
  }

  /** Member `container` of an event's process. */
  get json(): string {
    return (this.#json ||= toJson(this.facts, this.state === "known"));
  }

  /** The same as long as nobody has said who it is: no other text of an event can hold it. */
  get namelessJson(): string {
    return toJson(nothingOf(this.id), false);
  }

  become(state: ContainerState, facts: ContainerFacts, source: string): void {
    this.state = state;
    this.facts = facts;
    this.source = source;
    this.#json = "";
  }
}

function nothingOf(id: string): ContainerFacts {
  return { id, name: null, image: null, labels: {}, project: null, service: null };
}

/** What compose says of a container stands in its labels. */
export function withCompose(container: Omit<ContainerFacts, "project" | "service">): ContainerFacts {
  return {
    ...container,
    project: container.labels["com.docker.compose.project"] ?? null,
    service: container.labels["com.docker.compose.service"] ?? null,
  };
}

function toJson(facts: ContainerFacts, known: boolean): string {
  return (
    `{"id":${quote(facts.id)},"known":${known},"name":${quoteOrNull(facts.name)},"image":${quoteOrNull(facts.image)}` +
    `,"labels":${labelsJson(facts.labels)},"project":${quoteOrNull(facts.project)},"service":${quoteOrNull(facts.service)}}`
  );
}

function labelsJson(labels: Readonly<Record<string, string>>): string {
  const members: string[] = [];
  let room = LABEL_BYTES;
  for (const name of Object.keys(labels).sort()) {
    const member = `${quote(name)}:${quote(labels[name]!)}`;
    if (Buffer.byteLength(member) > room) continue;
    room -= Buffer.byteLength(member);
    members.push(member);
  }
  return `{${members.join(",")}}`;
}
