import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Container } from "../../../agent/containers/container.ts";
import { Containers, type ContainersOptions } from "../../../agent/containers/containers.ts";
import { createLogger } from "../../../bus/log.ts";
import { until } from "../../bus/harness.ts";
import { MisbehavingRuntime } from "./misbehaving-runtime.ts";

const A = "a1".repeat(32);
const B = "b2".repeat(32);
const C = "c3".repeat(32);

const PATIENT = { answer: 30_000, list: 30_000, ping: 30_000, retry: 20, retryMax: 50 };

let dir: string;
let runtime: MisbehavingRuntime;
let containers: Containers;
let decided: { id: string; state: string }[];

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "reeve-containers-"));
  runtime = new MisbehavingRuntime(join(dir, "docker.sock"));
  decided = [];
});
afterEach(async () => {
  containers.close();
  await runtime.stop();
  rmSync(dir, { recursive: true });
});

/** `dir`/cgroup is the hierarchy. */
function open(more: Partial<ContainersOptions> = {}): void {
  containers = new Containers({
    sockets: [join(dir, "docker.sock")],
    bundles: [join(dir, "task/*/{id}/config.json")],
    // whoever waits here is not to be disturbed by a machine that is slow
    waitMs: 60_000,
    cgroupRoot: join(dir, "cgroup"),
    onDecided: ({ id, state }) => decided.push({ id, state }),
    onChanged: () => {},
    log: createLogger("agent", "error", {}),
    times: PATIENT,
    ...more,
  });
  containers.start();
}

const connected = () => until(() => containers.status.runtimes[0]!.state === "connected");
const away = () => until(() => containers.status.runtimes[0]!.state === "away");
const named = (id: string) => containers.book.get(id)?.facts.name;
/** A container's cgroup is made. */
function made(id: string, cgroup = Number.parseInt(id.slice(0, 4), 16)): Container {
  containers.cgroupMade(cgroup, `/docker/${id}`, true);
  return containers.book.get(id)!;
}

test("what is listed and what is announced is known before its cgroup is there", async () => {
  runtime.containers = [{ id: A, name: "web" }];
  await runtime.start();
  open();
  await connected();
  expect(named(A)).toBe("web");
  runtime.tell("create", { id: B, name: "db", labels: { "com.docker.compose.service": "db" } });
  await until(() => named(B) === "db");
  expect(made(B)).toMatchObject({ state: "known", facts: { service: "db", image: "shop" } });
  expect(decided.every(({ state }) => state === "known")).toBe(true);
});

test("a label that is named as what events have themselves is known as well, and stays when the name changes", async () => {
  await runtime.start();
  open();
  await connected();
  const web = { id: A, name: "web", labels: { name: "its vendor's", tier: "front" } };
  runtime.containers = [web];
  runtime.tell("create", web);
  await until(() => containers.book.get(A)?.facts.labels["name"] === "its vendor's");
  runtime.containers = [];
  runtime.tell("rename", { ...web, name: "new" });
  await until(() => named(A) === "new");
  expect(containers.book.get(A)!.facts.labels).toEqual(web.labels);
});

test("one that nobody has announced is asked for; one that the runtime does not have is given up at once", async () => {
  await runtime.start();
  open();
  await connected();
  runtime.containers = [{ id: A, name: "web" }];
  const one = made(A);
  expect(one.state).toBe("pending");
  const other = made(B);
  await until(() => decided.length === 2);
  expect([one.state, other.state]).toEqual(["known", "unknown"]);
});

test("a runtime that is slow is waited for as long as it is said; its answer still counts", async () => {
  await runtime.start();
  open({ waitMs: 100 });
  await connected();
  runtime.containers = [{ id: A, name: "late" }];
  runtime.holding = true;
  const late = made(A);
  await sleep(50);
  expect(late.state).toBe("pending");
  await until(() => late.state === "unknown");
  expect(JSON.parse(late.json)).toMatchObject({ id: A, known: false, name: null });
  runtime.letGo();
  await until(() => late.state === "known");
  expect(JSON.parse(late.json)).toMatchObject({ known: true, name: "late" });
  expect(containers.counters).toMatchObject({ containers_unnamed: 1, containers_named_late: 1 });
});

test("a runtime that hangs is waited for until it is found out, then by nobody; when it answers again all is known", async () => {
  await runtime.start();
  open({ times: { ...PATIENT, answer: 500 } });
  await connected();
  runtime.holding = true;
  expect(made(A).state).toBe("pending");
  await away();
  expect(containers.status.runtimes[0]).toMatchObject({ reason: expect.stringContaining("no answer") });
  expect(made(B).state).toBe("unknown");
  expect(containers.book.get(A)!.state).toBe("unknown");
  runtime.letGo();
  runtime.containers = [
    { id: A, name: "web" },
    { id: B, name: "db" },
  ];
  await until(() => named(A) === "web" && named(B) === "db");
});

test("a runtime that restarts: names stay, what was removed meanwhile goes", async () => {
  runtime.containers = [
    { id: A, name: "web" },
    { id: B, name: "db" },
  ];
  await runtime.start();
  open();
  await connected();
  made(A);
  await runtime.stop();
  await away();
  expect(named(A)).toBe("web");
  expect(containers.nameless).toBeUndefined();
  runtime.containers = [
    { id: A, name: "renamed" },
    { id: C, name: "new" },
  ];
  await runtime.start();
  await until(() => named(A) === "renamed" && named(C) === "new");
  expect(containers.book.get(B)!.goneSince).not.toBeNull();
  expect(containers.book.get(A)!.goneSince).toBeNull();
});

test("what is announced while the list is on its way stays, though it is not in it", async () => {
  await runtime.start();
  runtime.holding = true;
  open();
  await until(() => runtime.asked.length > 0);
  // the stream is answered, the list is taken and held back
  runtime.letGo();
  runtime.listing = true;
  await until(() => runtime.asked.some((path) => path.startsWith("/containers")));
  runtime.tell("create", { id: A, name: "web" });
  await until(() => named(A) === "web");
  runtime.letGo();
  await connected();
  expect(containers.book.get(A)).toMatchObject({ state: "known", goneSince: null });
});

test.each(["[", "{}", "null", "x".repeat(100)])(
  "an answer that is none (%s): it is asked again, and nobody waits",
  async (text) => {
    runtime.garbage = text;
    await runtime.start();
    open();
    await away();
    expect(made(A).state).toBe("unknown");
    runtime.garbage = undefined;
    runtime.containers = [{ id: A, name: "web" }];
    await until(() => named(A) === "web");
  },
);

test("an event that is none: the stream is begun anew", async () => {
  await runtime.start();
  open();
  await connected();
  runtime.containers = [{ id: A, name: "web" }];
  runtime.tellRaw("garbage\n");
  await until(() => named(A) === "web");
  expect(containers.counters).toMatchObject({ container_runtime_failures: 1, container_runtime_connects: 2 });
});

test("no runtime at all: nobody is waited for, and scopes by name are told why not", async () => {
  open();
  await away();
  expect(made(A).state).toBe("unknown");
  expect(containers.nameless).toMatch(/no container runtime has answered yet: .*docker.sock \(.*ENOENT/);
  containers.close();
  open({ sockets: [], bundles: [] });
  expect(made(A).state).toBe("unknown");
  expect(containers.nameless).toMatch(/agent.container_sockets and agent.container_bundles are empty/);
});

test("one that nobody knows, and that was seen in an event only, is not kept for ever", async () => {
  open({ sockets: [], bundles: [] });
  expect(containers.at(`/docker/${A}`)!.goneSince).not.toBeNull();
  expect(made(B).goneSince).toBeNull();
  made(A);
  expect(containers.book.get(A)!.goneSince).toBeNull();
});

test("a bundle answers while the runtime hangs", async () => {
  await runtime.start();
  runtime.holding = true;
  const bundle = join(dir, "task/k8s.io", A);
  mkdirSync(bundle, { recursive: true });
  writeFileSync(
    join(bundle, "config.json"),
    JSON.stringify({ annotations: { "io.kubernetes.cri.container-name": "web" } }),
  );
  open();
  expect(made(A)).toMatchObject({ state: "known", facts: { name: "web" } });
  expect(containers.nameless).toBeUndefined();
});

test("a bundle that is laid down is known before there is a cgroup, and forgotten with it", async () => {
  mkdirSync(join(dir, "task"));
  open({ sockets: [] });
  const bundle = join(dir, "task/k8s.io", A);
  mkdirSync(bundle, { recursive: true });
  await sleep(20);
  writeFileSync(
    join(bundle, "config.json"),
    JSON.stringify({ annotations: { "io.kubernetes.cri.container-name": "web" } }),
  );
  await until(() => named(A) === "web");
  rmSync(bundle, { recursive: true });
  await until(() => containers.book.get(A)!.goneSince !== null);
  // a second one in a directory that is watched by now
  mkdirSync(join(dir, "task/k8s.io", B));
  writeFileSync(join(dir, "task/k8s.io", B, "config.json"), JSON.stringify({ annotations: { "nerdctl/name": "db" } }));
  await until(() => named(B) === "db");
});

test("before the first connection is decided, events wait for it and not longer", async () => {
  runtime.containers = [{ id: A, name: "web" }];
  runtime.holding = true;
  await runtime.start();
  open();
  expect(made(A).state).toBe("pending");
  await sleep(50);
  expect(decided).toEqual([]);
  runtime.letGo();
  await until(() => decided.length > 0);
  expect(decided[0]).toMatchObject({ id: A, state: "known" });
});

test("cgroups: those that are there at the start, nested ones, and those whose removal nobody told", async () => {
  const own = join(dir, "cgroup/docker", A);
  mkdirSync(join(own, "init", "docker", B), { recursive: true });
  open();
  expect([...containers.book.get(A)!.cgroups.values()]).toEqual([`/docker/${A}`]);
  expect(containers.book.get(B)).toBeUndefined();
  expect(containers.at(`/docker/${A}/init/docker/${B}`)!.id).toBe(A);
  rmSync(own, { recursive: true });
  containers.scan();
  expect(containers.book.get(A)!.cgroups.size).toBe(0);
  expect(containers.book.get(A)!.goneSince).not.toBeNull();
  expect(containers.status).toMatchObject({ running: 0 });
});

test("what the runtime removes is known for a while, for the events that are still on their way", async () => {
  runtime.containers = [{ id: A, name: "web" }];
  await runtime.start();
  open();
  await connected();
  made(A, 7);
  containers.cgroupRemoved(7, `/docker/${A}`);
  expect(containers.book.get(A)!.goneSince).toBeNull();
  runtime.tell("destroy", { id: A, name: "web" });
  await until(() => containers.book.get(A)!.goneSince !== null);
  containers.tick();
  expect(containers.at(`/docker/${A}`)!.facts.name).toBe("web");
});
