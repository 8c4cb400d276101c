import { expect, test } from "vitest";
import type { Event } from "../../../bus/generated/events.ts";
import { isInScope } from "../../../rules/eval/event-scope.ts";
import type { EventScope } from "../../../rules/model/rule.ts";
import { fillEvent } from "../../../rules/testing/fill-event.ts";

const filled = (given: object) => fillEvent(given, 0) as Event;
const POD = { uid: null, namespace: "shop", name: "web-1", labels: { app: "web" } };
const IN = filled({
  node: "web-1",
  process: { cgroup: { id: 7, path: "/docker/3f" }, container: { name: "shop-web-1", service: "web" }, pod: POD },
});
const HOST = filled({ node: "web-1", process: { cgroup: { id: 7, path: null } } });
const GAP = filled({ node: "web-1", kind: "gap" });

test.each<[EventScope | undefined, boolean, boolean, boolean]>([
  [undefined, true, true, true],
  [{ nodes: ["web-1"] }, true, true, true],
  [{ nodes: ["*"] }, true, true, true],
  [{ nodes: ["web-2"] }, false, false, false],
  [{ service: "web" }, true, false, false],
  [{ service: "db" }, false, false, false],
  [{ container: { name: "shop-web-1", image: "shop" } }, true, false, false],
  [{ container: { labels: { a: "b" } } }, false, false, false],
  [{ cgroup: "/docker" }, true, false, false],
  [{ cgroup: "/docker/3f" }, true, false, false],
  [{ cgroup: "/" }, true, false, false],
  [{ cgroup: "/dock" }, false, false, false],
  [{ pod: { namespace: "shop", labels: { app: "web" } } }, true, false, false],
  [{ pod: { labels: { app: "db" } } }, false, false, false],
  [{ service: "web", nodes: ["web-2"] }, false, false, false],
  [{ service: "web", nodes: ["web-1"], cgroup: "/docker" }, true, false, false],
])("%j", (scope, inContainer, onHost, gap) => {
  expect([isInScope(scope, IN), isInScope(scope, HOST), isInScope(scope, GAP)]).toEqual([inContainer, onHost, gap]);
});
