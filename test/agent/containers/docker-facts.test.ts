import { expect, it } from "vitest";
import { changeOfEvent, factsOfInspected, factsOfListed, isImageId } from "../../../agent/containers/docker-facts.ts";

const ID = "3f".repeat(32);
const COMPOSE = { "com.docker.compose.project": "shop", "com.docker.compose.service": "web" };

it.each<[string, unknown, unknown]>([
  [
    "as compose makes it",
    { Id: ID, Names: ["/shop-web-1"], Image: "shop:2", Labels: COMPOSE },
    { id: ID, name: "shop-web-1", image: "shop:2", labels: COMPOSE, project: "shop", service: "web" },
  ],
  [
    "a name by which another links to it is not its own",
    { Id: ID, Names: ["/other/alias", "/own"], Image: "a", Labels: null },
    { id: ID, name: "own", image: "a", labels: {}, project: null, service: null },
  ],
  ["podman: names without slash", { Id: ID, Names: ["own"] }, expect.objectContaining({ name: "own", image: null })],
  ["labels that are no text", { Id: ID, Labels: { a: 1, b: "2" } }, expect.objectContaining({ labels: { b: "2" } })],
  ["no id", { Names: ["/a"] }, undefined],
  ["a short id", { Id: "3f3f3f3f3f3f" }, undefined],
  ["nothing", null, undefined],
])("a listed container: %s", (_what, item, facts) => {
  expect(factsOfListed(item)).toEqual(facts);
});

it("an inspected container: the image is what was asked for", () => {
  const answer = {
    Id: ID,
    Name: "/own",
    Image: `sha256:${"ab".repeat(32)}`,
    Config: { Image: "shop", Labels: COMPOSE },
  };
  expect(factsOfInspected(answer)).toMatchObject({ name: "own", image: "shop", service: "web" });
  expect(factsOfInspected({ Id: ID })).toMatchObject({ name: null, image: null, labels: {} });
  expect(factsOfInspected("text")).toBeUndefined();
});

it.each<[string, boolean]>([
  [`sha256:${"ab".repeat(32)}`, true],
  ["0123456789ab", true],
  ["shop", false],
  ["shop:2", false],
  ["registry:5000/a/b@sha256:1", false],
])("%s is an image's id: %s", (image, isId) => {
  expect(isImageId(image)).toBe(isId);
});

const event = (Action: string, Attributes: object, more: object = {}) => ({
  ...{ Type: "container", Action, Actor: { ID, Attributes }, ...more },
});

it.each<[string, unknown, unknown]>([
  [
    "create",
    event("create", { name: "own", image: "shop", ...COMPOSE }),
    { id: ID, facts: { id: ID, name: "own", image: "shop", labels: COMPOSE, project: "shop", service: "web" } },
  ],
  [
    "rename: the event's own attributes are no labels",
    event("rename", { name: "new", oldName: "/old", image: "shop", a: "b" }),
    { id: ID, facts: expect.objectContaining({ name: "new", labels: { a: "b" } }) },
  ],
  [
    "podman's create",
    event("create", { name: "own", image: "localhost/shop:1", containerExitCode: "0", podId: "", a: "b" }),
    { id: ID, facts: expect.objectContaining({ image: "localhost/shop:1", labels: { a: "b" } }) },
  ],
  ["destroy", event("destroy", { name: "own" }), { id: ID, facts: null }],
  ["podman's remove", event("remove", { name: "own" }), { id: ID, facts: null }],
  ["die changes nothing", event("die", { name: "own", exitCode: "0" }), undefined],
  ["an exec in it changes nothing", event("exec_create: sh", { name: "own" }), undefined],
  ["an image's event", event("create", { name: "own" }, { Type: "image" }), undefined],
  ["without a name", event("create", {}), undefined],
  ["nothing", [], undefined],
])("an event: %s", (_what, line, change) => {
  expect(changeOfEvent(line)).toEqual(change);
});
