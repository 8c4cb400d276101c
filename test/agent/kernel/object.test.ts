import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, rmdirSync } from "node:fs";
import { createServer, connect } from "node:net";
import { once } from "node:events";
import { afterAll, beforeAll, expect, test } from "vitest";
import { KernelError } from "../../../agent/kernel/errors.ts";
import { BpfMap } from "../../../agent/kernel/map.ts";
import { BpfObject, SharedMaps } from "../../../agent/kernel/object.ts";
import { compileBpf, type Compiled } from "./compile.ts";

let compiled: Compiled;
beforeAll(() => {
  compiled = compileBpf("loader", "refused");
});
afterAll(() => compiled.remove());

const key = (index: number) => new Uint8Array(new Uint32Array([index]).buffer);
const count = (map: BpfMap, index: number) => new BigUint64Array(map.lookup(key(index))!.buffer)[0]!;
const only =
  (...programs: string[]) =>
  (name: string) =>
    programs.includes(name);

test("loads, attaches a BTF tracepoint, and detaches on close", () => {
  const settings = { target_tgid: process.pid };
  const object = BpfObject.open(compiled.path("loader"), { settings, autoload: only("on_fork") });
  object.load();
  const counts = BpfMap.fromFd(object.mapFd("counts"));
  spawnSync("/bin/true");
  expect(count(counts, 2)).toBe(0n);
  const link = object.attach("on_fork");
  spawnSync("/bin/true");
  const seen = count(counts, 2);
  expect(seen).toBeGreaterThan(0n);
  link.close();
  link.close();
  spawnSync("/bin/true");
  expect(count(counts, 2)).toBe(seen);
  counts.close();
  object.close();
});

test("maps of the same name are one map, also after their first object closed", () => {
  const maps = new SharedMaps();
  const options = { maps, autoload: only("on_fork"), maxEntries: { ring: 1 << 20, counts: 9 } };
  const first = BpfObject.open(compiled.path("loader"), options);
  first.load();
  expect(maps.names().sort()).toEqual(["counts", "per_cpu", "ring"]);
  BpfMap.fromFd(first.mapFd("counts")).update(key(3), new Uint8Array(new BigUint64Array([77n]).buffer));
  first.close();
  const second = BpfObject.open(compiled.path("loader"), { maps, autoload: only("on_fork") });
  second.load();
  const counts = BpfMap.fromFd(second.mapFd("counts"));
  expect(count(counts, 3)).toBe(77n);
  expect(counts.maxEntries).toBe(9);
  expect(BpfMap.fromFd(maps.fd("ring")!).maxEntries).toBe(1 << 20);
  second.close();
  maps.close();
});

test("a shared map of another shape is refused", () => {
  const maps = new SharedMaps();
  const wrong = BpfMap.create({ type: "array", name: "counts", keySize: 4, valueSize: 16, maxEntries: 4 });
  maps.add("counts", wrong.fd);
  expect(() => BpfObject.open(compiled.path("loader"), { maps })).toThrow(
    "map counts is there with type 2, key 4, value 16; loader wants type 2, key 4, value 8",
  );
  wrong.close();
  maps.close();
});

test("a wrong setting names those that there are", () => {
  const open = (settings: Record<string, number | bigint>) => () =>
    BpfObject.open(compiled.path("loader"), { settings });
  expect(open({ targt: 1 })).toThrow(/no setting targt; it has .*target_tgid/);
  expect(open({ small: 256 })).toThrow("setting small has 8 bits; 256 does not fit");
  expect(open({ negative: -(2 ** 31) - 1 })).toThrow("setting negative has 32 bits");
});

test("the verifier's refusal comes with its last lines", () => {
  const object = BpfObject.open(compiled.path("refused"));
  const error = thrown(() => object.load());
  expect(error.code).toBe("load");
  expect(error.refused).toBe(true);
  expect(error.message).toContain("the kernel does not take refused: EACCES");
  expect(error.log).toContain("invalid mem access 'map_value_or_null'");
  object.close();
});

test("an iterator is read to its end", () => {
  const object = BpfObject.open(compiled.path("loader"), { autoload: only("each_task") });
  object.load();
  const bytes = object.readIterator("each_task");
  const ids = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  const seen = new Set(ids.filter((_, index) => index % 2 === 1));
  expect([process.pid, process.ppid, 2].filter((pid) => !seen.has(pid))).toEqual([]);
  object.close();
});

test("a cgroup program counts connects below its directory only, and a missing directory is named", async () => {
  const root = existsSync("/sys/fs/cgroup/cgroup.controllers") ? "/sys/fs/cgroup" : "/sys/fs/cgroup/unified";
  const dir = `${root}/reeve-test-loader-${process.pid}`;
  mkdirSync(dir);
  const object = BpfObject.open(compiled.path("loader"), { autoload: only("on_connect") });
  object.load();
  const server = createServer((socket) => socket.end()).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const counts = BpfMap.fromFd(object.mapFd("counts"));
  try {
    expect(() => object.attachCgroup("on_connect", `${dir}/none`)).toThrow("is not a cgroup directory");
    const link = object.attachCgroup("on_connect", dir);
    await once(connect(port, "127.0.0.1"), "connect");
    expect(count(counts, 3)).toBe(0n);
    const script = `echo $$ > ${dir}/cgroup.procs && exec 3<>/dev/tcp/127.0.0.1/${port}`;
    const [status] = (await once(spawn("bash", ["-c", script]), "exit")) as [number];
    expect(status).toBe(0);
    expect(count(counts, 3)).toBe(1n);
    link.close();
  } finally {
    server.close();
    object.close();
    rmdirSync(dir);
  }
});

test("errors have stable codes", () => {
  expect(thrown(() => BpfObject.open("/nowhere/x.bpf.o")).code).toBe("open");
  expect(thrown(() => BpfObject.open(import.meta.filename)).code).toBe("open");
  const object = BpfObject.open(compiled.path("loader"), { autoload: only("on_fork") });
  expect(thrown(() => object.mapFd("counts")).message).toBe("loader has no loaded map counts");
  expect(thrown(() => object.attach("nothing")).message).toContain("it has on_getppid, on_fork, on_connect, each_task");
  object.close();
  expect(thrown(() => object.load()).code).toBe("closed");
});

function thrown(work: () => unknown): KernelError {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(KernelError);
    return error as KernelError;
  }
  throw new Error("nothing was thrown");
}
