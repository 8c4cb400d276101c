import { expect, test } from "vitest";
import { kernelsDocument } from "../lib/document.ts";
import type { KernelResults } from "../lib/results.ts";

const rung = {
  hook: "file_open",
  used: true,
  ok: true,
  can_deny: true,
  actions: ["deny"],
  detail: "denies opens",
} as const;

function results(kernel: string, part: Partial<KernelResults>): KernelResults {
  const none = { rungs: [], programs: {}, objects: {}, tests: {} };
  return { kernel, release: `${kernel}.1`, suite: "sid", version: "1", ...none, ...part };
}

test("one row for each rung and program, one column for each kernel, reasons once", () => {
  const old = results("5.10", {
    rungs: [
      {
        ...rung,
        hook: "process_exec",
        rung: "lsm",
        ok: false,
        used: false,
        can_deny: false,
        actions: [],
        detail: "no BTF",
      },
    ],
    programs: { a: "no such | helper", b: "no such | helper" },
    tests: { "x.test.ts": { passed: 3, failed: 1, skipped: 0, failures: ["denies"] } },
  });
  const young = results("6.12", {
    rungs: [
      { ...rung, hook: "process_exec", rung: "lsm", used: false },
      { ...rung, hook: "process_exec", rung: "tp_btf", can_deny: false, actions: [], detail: "sees" },
    ],
    programs: { a: 412_345 },
    tests: { "x.test.ts": { passed: 4, failed: 0, skipped: 1 } },
  });
  const text = kernelsDocument([old, young]);
  expect(text).toContain("| 5.10 | 5.10.1 | sid | 3 | 1 | 0 |");
  expect(text).toContain("- 5.10: x.test.ts: denies");
  expect(text).toContain("| process_exec | none | tp_btf |");
  expect(text).toContain("| process_exec | lsm | no [1] | denies [2] |");
  expect(text).toContain("| process_exec | tp_btf |  | **observes [3]** |");
  expect(text).toContain("| `a` | no [a] | 412,345 |");
  expect(text).toContain("| `b` | no [a] |  |");
  expect(text.match(/no such \| helper/g)).toHaveLength(1);
});
