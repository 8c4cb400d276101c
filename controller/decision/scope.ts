import { CONTAINER_ID_FORM } from "../../bus/container-scope.ts";
import type { Scope } from "../../bus/types/selector.ts";
import { quote } from "../problems.ts";
import { assign, type Reader } from "./reader.ts";

const MAX_NODES = 1_000;
const MAX_NAME = 512;
const SCOPE_KEYS = ["nodes", "host", "cgroup", "container", "service", "pod", "tree"] as const;

/** A scope out of untrusted JSON. A part that is given must say something: `container: {}` would be the whole host. */
export function readScope(reader: Reader, field: string, value: unknown): Scope {
  const scope: Scope = {};
  if (value === undefined || value === null) return scope;
  const object = reader.object(field, value, SCOPE_KEYS);
  if (object === undefined) return scope;
  const given = (key: (typeof SCOPE_KEYS)[number]): boolean => object[key] !== undefined && object[key] !== null;
  if (given("nodes")) assign(scope, "nodes", readNodes(reader, `${field}.nodes`, object["nodes"]));
  if (given("host")) assign(scope, "host", reader.boolean(`${field}.host`, object["host"]));
  if (given("cgroup")) assign(scope, "cgroup", readCgroup(reader, `${field}.cgroup`, object["cgroup"]));
  if (given("container")) {
    assign(scope, "container", readNames(reader, `${field}.container`, object["container"], ["id", "name", "image"]));
  }
  if (given("service")) assign(scope, "service", reader.text(`${field}.service`, object["service"], MAX_NAME));
  if (given("pod")) assign(scope, "pod", readNames(reader, `${field}.pod`, object["pod"], ["namespace"]));
  if (given("tree")) assign(scope, "tree", reader.text(`${field}.tree`, object["tree"], MAX_NAME));
  return scope;
}

/** True when nothing in the scope narrows it below the whole host. */
export function isWholeHost(scope: Scope): boolean {
  const cgroup = scope.cgroup !== undefined && scope.cgroup !== "/";
  return !(cgroup || scope.container || scope.service || scope.pod || scope.tree);
}

function readNodes(reader: Reader, field: string, value: unknown): string[] | undefined {
  const items = reader.list(field, value, MAX_NODES) ?? [];
  const nodes: string[] = [];
  for (const [index, item] of items.entries()) {
    const name = reader.text(`${field}[${index}]`, item, MAX_NAME);
    if (name === undefined) continue;
    if (name.includes("*") && name !== "*") {
      reader.wrong(`${field}[${index}]`, `is ${quote(name)}`, 'the name of a node, or "*" for all');
    } else nodes.push(name);
  }
  return nodes.length === 0 ? undefined : nodes;
}

function readCgroup(reader: Reader, field: string, value: unknown): string | undefined {
  const path = reader.text(field, value, 4_096);
  if (path === undefined) return undefined;
  if (!path.startsWith("/") || path.split("/").includes("..")) {
    return reader.wrong(field, `is ${quote(path)}`, "a path below the cgroup root, from / on, without ..");
  }
  // "/a/", "//a" and "/./a" are the same group as "/a"; "/." must not pass for something narrower than the root.
  return `/${path
    .split("/")
    .filter((part) => part !== "" && part !== ".")
    .join("/")}`;
}

function readNames<K extends string>(
  reader: Reader,
  field: string,
  value: unknown,
  names: readonly K[],
): (Partial<Record<K, string>> & { labels?: Record<string, string> }) | undefined {
  const object = reader.object(field, value, [...names, "labels"]);
  if (object === undefined) return undefined;
  if (Object.keys(object).length === 0) {
    return reader.wrong(field, "is empty", `at least one of ${[...names, "labels"].join(", ")}`);
  }
  const read: Record<string, unknown> = {};
  for (const name of names) {
    if (object[name] === undefined) continue;
    const text = reader.text(`${field}.${name}`, object[name], MAX_NAME);
    if (name === "id" && text !== undefined && !CONTAINER_ID_FORM.test(text))
      reader.wrong(`${field}.id`, `is ${quote(text)}`, "12 to 64 hexadecimal digits, as the id begins");
    else if (text !== undefined) read[name] = text;
  }
  if (object["labels"] !== undefined) {
    const labels = reader.labels(`${field}.labels`, object["labels"]);
    if (labels !== undefined) read["labels"] = labels;
  }
  return Object.keys(read).length === 0 ? undefined : (read as Partial<Record<K, string>>);
}
