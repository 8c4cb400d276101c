import { type ContainerFacts, withCompose } from "./container.ts";

/*
 * What Docker's API says of containers, in its three forms. All of it is read as untrusted: another program may answer
 * on the socket. Undefined is what cannot be a container.
 */

const ID = /^[0-9a-f]{64}$/;
const IMAGE_ID = /^(sha256:)?[0-9a-f]{12,64}$/;

/** What happened to a container. */
export type DockerChange = { id: string; facts: ContainerFacts | null };

/** An element of `GET /containers/json`. See `isImageId`. */
export function factsOfListed(item: unknown): ContainerFacts | undefined {
  const { Id, Names, Image, Labels } = object(item);
  if (typeof Id !== "string" || !ID.test(Id)) return undefined;
  // a link from another container makes a name of it too: /other/alias
  const names = (Array.isArray(Names) ? Names : []).filter((name) => typeof name === "string").map(bare);
  const name = names.find((one) => !one.includes("/")) ?? null;
  return withCompose({ id: Id, name, image: text(Image), labels: labels(Labels) });
}

/** A list shows the image's id when its tag has moved on; what it was asked for as, only the container itself tells. */
export function isImageId(image: string | null): boolean {
  return image !== null && IMAGE_ID.test(image);
}

/** The answer to `GET /containers/<id>/json`. */
export function factsOfInspected(answer: unknown): ContainerFacts | undefined {
  const { Id, Name, Config } = object(answer);
  const { Image, Labels } = object(Config);
  if (typeof Id !== "string" || !ID.test(Id)) return undefined;
  const name = typeof Name === "string" ? bare(Name) : null;
  return withCompose({ id: Id, name, image: text(Image), labels: labels(Labels) });
}

/** Events after which a container is what its attributes say. */
const TELLING = new Set(["create", "start", "restart", "rename", "update"]);
const ENDING = new Set(["destroy", "remove"]);
/** Attributes that are the event's own, among the labels; a label of such a name is not in the event. */
const NOT_LABELS = new Set(["image", "name", "oldName", "containerExitCode", "podId"]);

/** A line of `GET /events`; null facts: the container is no more. Undefined for what changes nothing. */
export function changeOfEvent(event: unknown): DockerChange | undefined {
  const { Type, Action, Actor } = object(event);
  const { ID: id, Attributes } = object(Actor);
  if (Type !== "container" || typeof id !== "string" || !ID.test(id)) return undefined;
  if (ENDING.has(String(Action))) return { id, facts: null };
  if (!TELLING.has(String(Action))) return undefined;
  const attributes = labels(Attributes);
  const { name, image } = attributes;
  if (name === undefined) return undefined;
  const own = Object.entries(attributes).filter(([key]) => !NOT_LABELS.has(key));
  return { id, facts: withCompose({ id, name: bare(name), image: text(image), labels: Object.fromEntries(own) }) };
}

function bare(name: string): string {
  return name.startsWith("/") ? name.slice(1) : name;
}

function text(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

function labels(value: unknown): Record<string, string> {
  return Object.fromEntries(
    Object.entries(object(value)).filter((entry): entry is [string, string] => typeof entry[1] === "string"),
  );
}

function object(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
