import { once } from "node:events";
import { mkdirSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { BpfMap } from "../../agent/kernel/map.ts";
import { cgroupAt } from "../../agent/selectors/cgroup-tree.ts";
import type { ScopedContainer } from "../../agent/selectors/container-scopes.ts";
import { CGROUPS, connectScript, Host, selector } from "./host.ts";

let host: Host;
beforeAll(() => {
  host = new Host();
});
beforeEach(() => host.reopen({}));
afterAll(() => host[Symbol.asyncDispose]());

/** A shell that runs what is written to it, line by line; each answer is one line. */
function shell(cgroup?: string) {
  const child = host.start(`exec /bin/bash`, cgroup);
  return {
    pid: child.pid!,
    async ask(line: string): Promise<string> {
      const answer = once(child.stdout!, "data");
      child.stdin!.write(`${line}\n`);
      return String((await answer)[0]).trim();
    },
  };
}

const EXEC = "/bin/true; echo $?";

it("a tree is the root, its living descendants and its later ones, whatever they exec", async () => {
  const root = shell();
  const other = shell();
  // a grandchild that lives already, and answers through files
  await root.ask(
    `/bin/bash -c '/bin/bash -c "while sleep 0.05; do [ -e ask ] && { /bin/true; echo \\$? > answer; rm ask; }; done" & wait' & echo started`,
  );
  const deny = selector({
    hook: "process_exec",
    scope: { tree: String(root.pid) },
    match: [{ field: "process.binary", op: "suffix", values: ["/true"] }],
  });
  expect(host.tables.apply(1, [deny])).toMatchObject({ refused: [] });
  expect(await root.ask(EXEC)).toBe("137");
  expect(await root.ask(`/bin/bash -c '(${EXEC})'`)).toBe("137");
  expect(await other.ask(EXEC)).toBe("0");
  expect(await other.ask("touch ask; while [ -e ask ]; do sleep 0.05; done; cat answer; rm answer")).toBe("137");
  host.tables.apply(2, []);
  expect(await root.ask(EXEC)).toBe("0");
  const marks = BpfMap.fromFd(host.maps.fd("process_trees")!);
  expect([...marks.keys()]).toHaveLength(0);
  marks.close();
});

it("nested trees: the inner one carries both marks, the outer one stays in force when the inner one ends", async () => {
  const outer = shell();
  const inner = Number(
    await outer.ask(
      "/bin/bash -c 'while sleep 0.05; do [ -e ask ] && { /bin/true; a=$?; /bin/false; echo $a $? > answer; rm ask; }; done' & echo $!",
    ),
  );
  const ask = () => outer.ask("touch ask; while [ -e ask ]; do sleep 0.05; done; cat answer; rm answer");
  const suffix = (value: string, tree: number) =>
    selector({
      hook: "process_exec",
      scope: { tree: String(tree) },
      match: [{ field: "process.binary", op: "suffix", values: [value] }],
    });
  const a = suffix("/true", outer.pid);
  const b = suffix("/false", inner);
  host.tables.apply(1, [a]);
  expect(await ask()).toBe("137 1");
  host.tables.apply(2, [a, b]);
  expect(await ask()).toBe("137 137");
  expect(await outer.ask("/bin/false; echo $?")).toBe("1");
  host.tables.apply(3, [a]);
  expect(await ask()).toBe("137 1");
  host.tables.apply(4, [b]);
  expect(await ask()).toBe("0 137");
});

it("a tree whose root is unknown, or a second selector of one id, is refused with a reason; the others apply", () => {
  const good = selector({ hook: "process_exec", scope: { cgroup: host.cgroup } });
  const report = host.tables.apply(1, [selector({ hook: "process_exec", scope: { tree: "4194303" } }), good, good]);
  expect(report.applied).toBe(1);
  expect(report.refused.map(({ reason }) => reason)).toEqual([
    `scope.tree: no process "4194303" is known on this node`,
    `id: ${good.selector.id} is there twice in test`,
  ]);
});

it("cgroups below, made before and after, are in the scope; those beside are not", async () => {
  const before = host.subgroup("in/before");
  const beside = host.subgroup("beside");
  host.tables.apply(1, [
    selector({
      hook: "process_exec",
      scope: { cgroup: `${host.cgroup}/in` },
      match: [{ field: "process.binary", op: "suffix", values: ["/true"] }],
    }),
  ]);
  const after = host.subgroup("in/after/deep");
  for (const [cgroup, status] of [
    [before, "137"],
    [after, "137"],
    [beside, "0"],
    [host.cgroup, "0"],
  ] as const)
    expect([cgroup, (await host.run(EXEC, cgroup)).out]).toEqual([cgroup, status]);
  rmdirSync(join(CGROUPS, after));
  const marks = BpfMap.fromFd(host.maps.fd("cgroup_marks")!);
  expect([...marks.keys()]).toHaveLength(3);
  host.tables.apply(2, []);
  expect([...marks.keys()]).toHaveLength(0);
  marks.close();
});

it("a container is found by its id", async () => {
  const id = "ab12".repeat(16);
  const cgroup = host.subgroup(`docker/${id}`);
  host.tables.apply(1, [selector({ hook: "network_connect", scope: { container: { id: id.slice(0, 12) } } })]);
  expect((await host.run(connectScript("127.0.0.1", 9), cgroup)).out).toBe("EPERM");
  expect((await host.run(connectScript("127.0.0.1", 9))).out).toBe("ok");
});

const NAMES = { id: "cd34".repeat(16), name: "web", image: "shop", labels: {}, service: "web" };
const NO_TRUE = [{ field: "process.binary", op: "suffix" as const, values: ["/true"] }];

it("an announced container lies in its scope from the moment that its cgroup is made, whatever its name looks like", async () => {
  const known: ScopedContainer[] = [{ names: NAMES, cgroups: [] }];
  host.reopen({ containers: { nameless: undefined, all: () => known } });
  const outer = host.subgroup("outer");
  const scoped = [
    selector({ hook: "process_exec", scope: { service: "web" }, match: NO_TRUE }),
    selector({
      hook: "process_exec",
      scope: { cgroup: outer },
      match: [{ field: "process.binary", op: "suffix", values: ["/false"] }],
    }),
  ];
  expect(host.tables.apply(1, scoped)).toMatchObject({ refused: [] });
  for (const [name, answer] of [
    [NAMES.id, "137 1"],
    [`docker-${NAMES.id}.scope`, "137 1"],
    [`outer/cri-containerd-${NAMES.id}.scope`, "137 137"],
    [`outer/libpod-conmon-${NAMES.id}.scope`, "0 137"],
    [`docker-${"ef56".repeat(16)}.scope`, "0 1"],
    [`${NAMES.id}/deep`, "137 1"],
    [`${NAMES.id}.service`, "0 1"],
  ])
    expect([name, (await host.run("/bin/true; a=$?; /bin/false; echo $a $?", host.subgroup(name!))).out]).toEqual([
      name,
      answer,
    ]);
  known[0] = { names: { ...NAMES, service: "db" }, cgroups: [] };
  host.tables.apply(1, scoped);
  expect((await host.run(EXEC, host.subgroup(`again/${NAMES.id}`))).out).toBe("0");
});

it("a container that comes after the apply is followed without another one; one in a set that is new is not", async () => {
  const known: ScopedContainer[] = [];
  host.reopen({ containers: { nameless: undefined, all: () => known } });
  const scoped = [
    selector({ hook: "process_exec", scope: { service: "web" }, match: NO_TRUE }),
    selector({ hook: "process_exec", scope: { container: { name: "db" } }, match: NO_TRUE }),
  ];
  host.tables.apply(1, scoped);
  known.push({ names: NAMES, cgroups: [] });
  expect(host.tables.followContainers()).toBe(true);
  const announced = host.subgroup(`docker/${NAMES.id}`);
  expect((await host.run(EXEC, announced)).out).toBe("137");
  const running = host.subgroup(`docker/${"ef56".repeat(16)}`);
  known.push({ names: { ...NAMES, id: "ef56".repeat(16) }, cgroups: [cgroupAt(CGROUPS, running)] });
  expect((await host.run(EXEC, running)).out).toBe("0");
  expect(host.tables.followContainers()).toBe(true);
  expect((await host.run(EXEC, running)).out).toBe("137");
  known[1] = { names: { ...NAMES, id: "ef56".repeat(16), name: "db" }, cgroups: [cgroupAt(CGROUPS, running)] };
  expect(host.tables.followContainers()).toBe(false);
  host.tables.apply(1, scoped);
  expect((await host.run(EXEC, running)).out).toBe("137");
});

it("running containers are marked; one that gets another name leaves its scope, those below it too", async () => {
  const cgroup = host.subgroup(`docker/${NAMES.id}`);
  const below = host.subgroup(`docker/${NAMES.id}/below`);
  const place = cgroupAt(CGROUPS, cgroup);
  const known: ScopedContainer[] = [{ names: NAMES, cgroups: [place] }];
  host.reopen({ containers: { nameless: undefined, all: () => known } });
  const scoped = [selector({ hook: "process_exec", scope: { container: { name: "web" } }, match: NO_TRUE })];
  host.tables.apply(1, scoped);
  expect(host.tables.usesContainers).toBe(true);
  expect([(await host.run(EXEC, cgroup)).out, (await host.run(EXEC, below)).out]).toEqual(["137", "137"]);
  known[0] = { names: { ...NAMES, name: "other" }, cgroups: [place] };
  host.tables.apply(1, scoped);
  expect([(await host.run(EXEC, cgroup)).out, (await host.run(EXEC, below)).out]).toEqual(["0", "0"]);
  const marks = BpfMap.fromFd(host.maps.fd("cgroup_marks")!);
  expect([...marks.keys()]).toHaveLength(0);
  marks.close();
});

it("containers that are exempt by name are never matched, those too that are made later", async () => {
  const running = host.subgroup(`docker/${NAMES.id}`);
  const later = { ...NAMES, id: "9a78".repeat(16) };
  const all = () => [
    { names: NAMES, cgroups: [cgroupAt(CGROUPS, running)] },
    { names: later, cgroups: [] },
  ];
  host.reopen({ containers: { nameless: undefined, all }, exempt: [{ service: "web" }] });
  host.tables.apply(1, [selector({ hook: "process_exec", scope: { cgroup: host.cgroup }, match: NO_TRUE })]);
  expect((await host.run(EXEC, running)).out).toBe("0");
  expect((await host.run(EXEC, host.subgroup(`docker/${later.id}`))).out).toBe("0");
  expect((await host.run(EXEC)).out).toBe("137");
});

it("without names a scope by name is refused with the reason, one by id is not", () => {
  const nameless = { nameless: "nobody answers", all: () => [] };
  host.reopen({ containers: nameless });
  const { refused, applied } = host.tables.apply(1, [
    selector({ hook: "process_exec", scope: { service: "web" } }),
    selector({ hook: "process_exec", scope: { container: { id: NAMES.id } } }),
  ]);
  expect(applied).toBe(1);
  expect(refused.map(({ reason }) => reason)).toEqual([
    "scope.service: nobody answers; allowed then: container.id, cgroup, tree",
  ]);
});

it("both parts of a scope must hold", async () => {
  const root = shell(host.subgroup("in"));
  const outside = shell();
  const scope = { cgroup: `${host.cgroup}/in`, tree: String(root.pid) };
  host.tables.apply(1, [
    selector({ hook: "process_exec", scope, match: [{ field: "process.binary", op: "suffix", values: ["/true"] }] }),
  ]);
  expect(await root.ask(EXEC)).toBe("137");
  expect(await outside.ask(EXEC)).toBe("0");
  expect(await root.ask(`echo $$ > ${join(CGROUPS, host.cgroup)}/cgroup.procs; ${EXEC}`)).toBe("0");
});

it("what is exempt is never matched, also below and later, even if a value is not known", async () => {
  const exempt = host.subgroup("exempt");
  const own = host.subgroup("own");
  host.reopen({ exempt: [{ cgroup: exempt }], ownCgroup: own });
  host.tables.apply(1, [
    selector({ hook: "process_exec", scope: { cgroup: host.cgroup } }),
    selector({ hook: "network_connect", scope: { cgroup: host.cgroup } }),
  ]);
  mkdirSync(join(CGROUPS, exempt, "later"));
  for (const cgroup of [exempt, own, `${exempt}/later`]) {
    expect((await host.run(EXEC, cgroup)).out).toBe("0");
    expect((await host.run(connectScript("127.0.0.1", 9), cgroup)).out).toBe("ok");
  }
  expect((await host.run(EXEC)).out).toBe("137");
});

it("exempt scopes of another kind are an error that says what is allowed", () => {
  expect(() => host.reopen({ exempt: [{ pod: { namespace: "web" } }] })).toThrow(
    /exempt.scopes: {"pod":{"namespace":"web"}} is not possible; allowed: /,
  );
});

it("the state of processes follows fork, exec and exit", async () => {
  const one = shell();
  const child = Number(await one.ask("sleep 100 & echo $!"));
  expect(host.hasState(child)).toBe(true);
  await one.ask(`kill ${child}; wait ${child}; echo done`);
  expect(host.hasState(child)).toBe(false);
});
