import { expect, it } from "vitest";
import {
  type ContainerNames,
  type ContainerScope,
  containerPartOf,
  isByIdOnly,
  isInContainerScope,
} from "../../bus/container-scope.ts";

const ID = "0123456789ab".repeat(6).slice(0, 64);
const WEB: ContainerNames = {
  id: ID,
  name: "shop-web-1",
  image: "shop:2",
  labels: { tier: "front", a: "" },
  service: "web",
};
const NOBODY: ContainerNames = { id: ID, name: null, image: null, labels: {}, service: null };

it.each<[ContainerScope, boolean]>([
  [{ container: { id: ID } }, true],
  [{ container: { id: "0123456789ab" } }, true],
  [{ container: { id: "123456789ab0" } }, false],
  [{ container: { name: "shop-web-1" } }, true],
  [{ container: { name: "shop-web" } }, false],
  [{ container: { labels: { tier: "front" } } }, true],
  [{ container: { labels: { tier: "front", a: "" } } }, true],
  [{ container: { labels: { tier: "back" } } }, false],
  [{ container: { labels: { toString: "x" } } }, false],
  [{ service: "web" }, true],
  [{ service: "we" }, false],
  [{ service: "web", container: { name: "shop-web-1", image: "shop", labels: { tier: "front" } } }, true],
  [{ service: "web", container: { name: "shop-web-2" } }, false],
  [{ service: "db", container: { name: "shop-web-1" } }, false],
])("%j: %s", (scope, expected) => {
  expect(isInContainerScope(scope, WEB)).toBe(expected);
});

it.each<[string, string | null, boolean]>([
  ["shop", "shop", true],
  ["shop", "shop:2", true],
  ["shop", "shop@sha256:ab", true],
  ["shop:2", "shop:2", true],
  ["shop:2", "shop:3", false],
  ["shop:latest", "shop", true],
  ["shop:latest", "shop@sha256:ab", false],
  ["shop", "docker.io/library/shop:2", true],
  ["me/shop", "localhost/me/shop:1", true],
  ["docker.io/me/shop", "me/shop:1", true],
  ["shop", "me/shop", false],
  ["registry:5000/shop", "registry:5000/shop:2", true],
  ["registry", "registry:5000/shop", false],
  ["shop@sha256:ab", "shop:2@sha256:ab", true],
  ["shop@sha256:ab", "shop@sha256:cd", false],
  ["sha256:ab", "sha256:ab", true],
  ["shop", null, false],
])("image %s means %s: %s", (image, of, expected) => {
  expect(isInContainerScope({ container: { image } }, { ...WEB, image: of })).toBe(expected);
});

it("what is not known satisfies nothing but the id", () => {
  expect(isInContainerScope({ container: { id: ID } }, NOBODY)).toBe(true);
  for (const scope of [{ container: { name: "" } }, { container: { labels: { a: "" } } }, { service: "web" }])
    expect(isInContainerScope(scope, NOBODY)).toBe(false);
});

it("parts of a scope", () => {
  expect(containerPartOf({ cgroup: "/a", tree: "x" })).toBeUndefined();
  expect(containerPartOf({ cgroup: "/a", service: "web" })).toEqual({ service: "web" });
  expect(isByIdOnly({ container: { id: ID } })).toBe(true);
  expect(isByIdOnly({ container: { id: ID, name: "a" } })).toBe(false);
  expect(isByIdOnly({ service: "web" })).toBe(false);
});
