import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { fetched } from "../../setup/guests/fetch.mjs";
import { GUEST_KERNELS, TEST_KERNEL } from "../../setup/guests/kernels.mjs";
import { modulesInOrder } from "../../setup/guests/modules.mjs";
import { guests } from "../../setup/guests/step.mjs";

let dir: string;
beforeEach(() => (dir = mkdtempSync(join(tmpdir(), "reeve-guests-"))));
afterEach(() => rmSync(dir, { recursive: true }));

function module(name: string, depends: string): void {
  mkdirSync(join(dir, "kernel", name), { recursive: true });
  writeFileSync(join(dir, "kernel", name, `${name}.ko`), `ELF\0license=GPL\0depends=${depends}\0name=${name}\0`);
}

test("modules come after what they need, once, and built-in ones not at all", () => {
  module("9p", "9pnet,netfs");
  module("9pnet", "");
  module("9pnet_virtio", "virtio-ring,9pnet");
  module("netfs", "");
  module("virtio-ring", "");
  module("other", "");
  const names = modulesInOrder(dir, ["virtio_pci", "9pnet_virtio", "9p"]).map((one) => one.name);
  expect(names).toEqual(["virtio_ring", "9pnet", "9pnet_virtio", "netfs", "9p"]);
});

test("a kernel that is there is not fetched again, and nothing is said", async () => {
  const kernel = { name: TEST_KERNEL, release: "6.12.1" };
  mkdirSync(join(dir, ".reeve/guests", TEST_KERNEL), { recursive: true });
  writeFileSync(join(dir, ".reeve/guests", TEST_KERNEL, "kernel.json"), JSON.stringify(kernel));
  expect(fetched(dir, TEST_KERNEL)).toEqual(kernel);
  expect(fetched(dir, "5.10")).toBeUndefined();
  const said: string[] = [];
  const step = { doing: (what: string) => said.push(what), did: (what: string) => said.push(what) };
  const path = process.env["PATH"];
  // Commands that are there, whatever this machine has.
  for (const command of ["qemu-system-x86_64", "xz"]) writeFileSync(join(dir, command), "", { mode: 0o755 });
  process.env["PATH"] = dir;
  try {
    await guests(step, { repo: dir, root: true, guests: "test" });
  } finally {
    process.env["PATH"] = path;
  }
  expect(said).toEqual([]);
});

test("npm test goes on where they cannot be had and says so; test:guests does not", async () => {
  const said: string[] = [];
  const step = { doing: (what: string) => said.push(what), did: (what: string) => said.push(what) };
  const path = process.env["PATH"];
  process.env["PATH"] = dir;
  try {
    await guests(step, { repo: dir, root: true, guests: "test" });
    await expect(guests(step, { repo: dir, root: true, guests: "all" })).rejects.toThrow(/apt-get|x86-64 only/);
    await guests(step, { repo: dir, root: true, guests: "none" });
  } finally {
    process.env["PATH"] = path;
  }
  expect(said).toHaveLength(1);
  expect(said[0]).toMatch(/^NOT THERE, the tests on kernel 6\.12 will be skipped: /);
});

test("the kernels have names of their own, and npm test's is one of them", () => {
  const names = GUEST_KERNELS.map((kernel) => kernel.name);
  expect(new Set(names).size).toBe(names.length);
  expect(names).toContain(TEST_KERNEL);
});
