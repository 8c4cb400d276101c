import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { deepestChains } from "./stack-depth.ts";

// This machine's kernel may give each function a stack of its own; those before 6.13 refuse what does not fit into one.
const MOST = 512;
const OUT = join(import.meta.dirname, "../../bpf/out");
const objects = readdirSync(OUT).filter((name) => name.endsWith(".bpf.o"));

test.each(objects)("%s: functions that call one another fit into one stack on every kernel", (object) => {
  const chains = [...deepestChains(join(OUT, object))];
  expect(chains.length).toBeGreaterThan(0);
  expect(chains.filter(([, { bytes }]) => bytes > MOST)).toEqual([]);
});

test("what is added up is found in a program that is known", () => {
  const chain = deepestChains(join(OUT, "exec.bpf.o")).get("exec_lsm");
  expect(chain?.functions.length).toBeGreaterThan(3);
  expect(chain?.bytes).toBeGreaterThan(256);
});
