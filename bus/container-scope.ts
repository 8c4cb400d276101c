import type { Scope } from "./types/selector.ts";

/** What a scope can ask of a container; null or empty where its runtime has not said it. */
export interface ContainerNames {
  id: string;
  name: string | null;
  image: string | null;
  labels: Readonly<Record<string, string>>;
  service: string | null;
}

/** The parts of a scope that are about containers. */
export type ContainerScope = Pick<Scope, "container" | "service">;

/** How the id of a container is written in a scope: its beginning, 12 digits at least, or all 64. */
export const CONTAINER_ID_FORM = /^[0-9a-f]{12,64}$/;

/** The parts that are about containers, undefined when there are none. */
export function containerPartOf(scope: Scope): ContainerScope | undefined {
  const { container, service } = scope;
  if (container === undefined && service === undefined) return undefined;
  return { ...(container === undefined ? {} : { container }), ...(service === undefined ? {} : { service }) };
}

/** Whether a container satisfies every part that is given. What is not known of it satisfies nothing. */
export function isInContainerScope(scope: ContainerScope, container: ContainerNames): boolean {
  const { id, name, image, labels } = scope.container ?? {};
  return (
    (id === undefined || container.id.startsWith(id)) &&
    (name === undefined || container.name === name) &&
    (image === undefined || isImage(image, container.image)) &&
    (labels === undefined || hasLabels(labels, container.labels)) &&
    (scope.service === undefined || container.service === scope.service)
  );
}

/** Whether a scope can be told without a runtime: by the id alone, which stands in the cgroup's path. */
export function isByIdOnly(scope: ContainerScope): boolean {
  const { name, image, labels } = scope.container ?? {};
  return [name, image, labels, scope.service].every((part) => part === undefined);
}

function hasLabels(wanted: Readonly<Record<string, string>>, labels: Readonly<Record<string, string>>): boolean {
  return Object.entries(wanted).every(([name, value]) => Object.hasOwn(labels, name) && labels[name] === value);
}

/** An image that is named without tag and digest is any of that repository; no tag otherwise means `latest`. */
function isImage(wanted: string, image: string | null): boolean {
  if (image === null) return false;
  if (wanted === image) return true;
  const want = parseImage(wanted);
  const have = parseImage(image);
  if (want.repository !== have.repository) return false;
  if (want.digest !== null) return want.digest === have.digest;
  return want.tag === null || want.tag === (have.tag ?? (have.digest === null ? "latest" : null));
}

/** Takes `registry:5000/name:tag@digest` apart; what Docker and podman add to a short name is left out. */
function parseImage(image: string): { repository: string; tag: string | null; digest: string | null } {
  const [name = "", digest = null] = image.split("@", 2);
  const colon = name.indexOf(":", name.lastIndexOf("/") + 1);
  const repository = (colon < 0 ? name : name.slice(0, colon)).replace(/^(docker\.io\/(library\/)?|localhost\/)/, "");
  return { repository, tag: colon < 0 ? null : name.slice(colon + 1), digest };
}
