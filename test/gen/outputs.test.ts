import { execFileSync, spawnSync } from "node:child_process";
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Ajv } from "ajv";
import { afterAll, expect, test } from "vitest";
import type { DenialEvent, ProcessExecEvent } from "../../bus/generated/events.ts";
import { Btf } from "../../bpf/gen/btf.ts";
import { GenerateError } from "../../bpf/gen/errors.ts";
import { readKinds } from "../../bpf/gen/kinds.ts";
import { outputs, staleOutputs, writeOutputs } from "../../bpf/gen/outputs.ts";
import { WIRE } from "../../bpf/gen/wire-events.ts";
import type { Wire } from "../../bpf/gen/wire.ts";

const REPO = join(import.meta.dirname, "../..");

execFileSync(process.execPath, [join(REPO, "bpf/build.mjs")], { stdio: ["ignore", "ignore", "inherit"] });
const BTF = Btf.read(join(REPO, "bpf/out/layouts.o"));
const directory = mkdtempSync(join(tmpdir(), "reeve-outputs-"));

afterAll(() => rmSync(directory, { recursive: true }));

test("what is missing or changed is stale, by name", async () => {
  const files = outputs(BTF, WIRE, await readKinds(REPO));
  expect(staleOutputs(directory, files).length).toBe(files.size);
  expect(writeOutputs(directory, files)).toEqual([...files.keys()]);
  expect(staleOutputs(directory, files)).toEqual([]);
  expect(writeOutputs(directory, files)).toEqual([]);
  appendFileSync(join(directory, "docs/events.md"), "by hand");
  expect(staleOutputs(directory, files)).toEqual(["docs/events.md is stale: npm run generate"]);
});

test("a wire field that comes from nowhere, and a record's field that goes nowhere, are refused", async () => {
  const kinds = await readKinds(REPO);
  const Process = WIRE.objects["Process"];
  if (!Process) throw new Error("no Process");
  const { cwd: _, ...fields } = Process.fields;
  const broken: Wire = {
    ...WIRE,
    objects: {
      ...WIRE.objects,
      Process: { ...Process, fields: { ...fields, pid: { type: { is: "integer" }, from: "process_exec.nothing" } } },
    },
  };
  const failure = (() => {
    try {
      outputs(BTF, broken, kinds);
    } catch (error) {
      return error;
    }
    return undefined;
  })();
  expect(failure).toBeInstanceOf(GenerateError);
  expect((failure as GenerateError).problems.sort()).toEqual([
    "Process.pid: has neither doc nor one kernel field",
    "Process.pid: no record has process_exec.nothing",
    'process_exec.cwd: crosses the wire in no field, and is not named in "internal"',
    'process_exec.image.key.tgid: crosses the wire in no field, and is not named in "internal"',
  ]);
});

const EXEC: ProcessExecEvent = {
  id: "n/b/1/process_exec/1",
  kind: "process_exec",
  node: "n",
  time: "2026-11-22T10:00:00.123456789Z",
  rung: "tp_btf",
  process: {
    exec_id: "bjox",
    parent_exec_id: null,
    pid: 1,
    tid: 1,
    uid: 0,
    auid: 4294967295,
    binary: "/bin/sh",
    arguments: "-i",
    cwd: "/",
    start_time: "2026-11-22T10:00:00.123456789Z",
    flags: "execve",
    cgroup: { id: 1, path: null },
    container: { id: "3f", known: true, name: null, image: null, labels: { a: "b" }, project: null, service: null },
    pod: null,
    tty: "pts/0",
    script: null,
    stdio: [
      {
        fd: 0,
        type: "socket",
        inode: 7,
        family: "ipv4",
        protocol: "tcp",
        saddr: "::",
        sport: 1,
        daddr: "::",
        dport: 2,
      },
      { fd: 1, type: "null", inode: 3 },
    ],
    cap: { effective: ["CAP_CHOWN"], permitted: "0000000000000001", inheritable: "0000000000000000" },
    ns: { uts: 1, ipc: 1, mnt: 1, pid: 1, pid_for_children: 1, net: 1, time: 1, cgroup: 1, user: 1 },
    credentials: { uid: 0, gid: 0, euid: 0, egid: 0, suid: 0, sgid: 0, fsuid: 0, fsgid: 0, securebits: 0 },
    binary_properties: {
      inode: 1,
      device: "8:1",
      links: 1,
      setuid: null,
      setgid: 0,
      privileges_raised: false,
      deleted: false,
      memfd: false,
      upper: false,
    },
    previous: { binary: "/bin/bash" },
  },
  parent: null,
  ancestors: [{ exec_id: "x", pid: 1, binary: "/sbin/init" }],
};

test("the schema takes an event as the types have it, and refuses what they refuse", () => {
  const schema = JSON.parse(readFileSync(join(REPO, "bus/generated/events.schema.json"), "utf8")) as object;
  const validate = new Ajv({ validateFormats: false, strict: false }).compile(schema);
  expect([validate(EXEC), validate.errors]).toEqual([true, null]);
  expect(validate({ ...EXEC, kind: "other" })).toBe(false);
  expect(validate({ ...EXEC, extra: 1 })).toBe(false);
  expect(validate({ ...EXEC, process: { ...EXEC.process, pid: "1" } })).toBe(false);
  const { parent: _, ...orphan } = EXEC;
  expect(validate(orphan)).toBe(false);
  const denial = { ...EXEC, kind: "denial" } satisfies Partial<Omit<DenialEvent, "process">> & { process: unknown };
  expect(validate(denial)).toBe(false);
});

test.each([
  ["input.process.stdio[_].daddr", true],
  ["input.process.container.labels.app", true],
  ["input.process.binary_properties.device", true],
  ["input.process.binary_properties.memfd", false],
  ["input.process.binray", false],
  ["input.process.ns.pdi", false],
])("OPA's check knows %s, %j", (reference, known) => {
  const rego = `# METADATA\n# schemas:\n#   - input: schema.process_exec\npackage try\n\nallow if ${reference} == "x"\n`;
  const file = join(directory, "try.rego");
  writeFileSync(file, rego);
  const { status, stderr } = spawnSync("opa", ["check", "-s", join(REPO, "rego/schemas"), file], {
    encoding: "utf8",
    env: { ...process.env, PATH: `${join(REPO, ".reeve/bin")}:${process.env["PATH"]}` },
  });
  expect([status === 0, known ? "" : /undefined ref|match error/.test(stderr)]).toEqual([known, known ? "" : true]);
});
