import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { selector } from "../../../enforce/host.ts";
import { DENIED_OPENS } from "./programs.ts";
import { Rig } from "./rig.ts";

/** How many denied opens to try; the guest with preempt=full is asked for a million. */
const COUNT = Number(process.env["REEVE_DENIED_OPENS"] ?? 20_000);
const THREADS = 8;

let rig: Rig;
beforeAll(() => {
  rig = new Rig();
});
afterAll(() => rig[Symbol.asyncDispose]());

it("no denied open passes, and no allowed one is denied, whoever interrupts whom", async () => {
  const file = (name: string) => {
    const path = join(rig.directory, name);
    writeFileSync(path, "");
    return path;
  };
  const denied = ["a", "b".repeat(40), "c".repeat(120), "d".repeat(220)].map(file);
  const allowed = ["w", "x".repeat(41), "y".repeat(121), "z".repeat(219)].map(file);
  const deny = selector({
    ...{ hook: "file_open", scope: { cgroup: rig.cgroup }, rate: 1 },
    match: [{ field: "file.path", op: "in", values: denied }],
  });
  expect(rig.apply([deny]).refused).toEqual([]);
  const { truths } = await rig.run(
    `exec ${DENIED_OPENS} ${COUNT} ${THREADS} ${denied.join(" ")} -- ${allowed.join(" ")}`,
  );
  const [result] = truths as unknown as [Record<"denied" | "allowed", Record<string, number>> & { failed: number }];
  const preempt = dynamicPreemption();
  console.log(JSON.stringify({ preempt, ...result, counters: rig.counters(deny.selector.id) }));
  expect(result.denied["tried"]).toBeGreaterThanOrEqual(COUNT);
  expect(result.denied["passed"]).toBe(0);
  expect(result.denied["refused"]).toBe(result.denied["tried"]);
  expect(result.allowed["refused"]).toBe(0);
  expect(result.failed).toBe(0);
  expect(rig.counters(deny.selector.id)).toMatchObject({ denied: result.denied["tried"], undecided: 0 });
  if (process.env["REEVE_DENIED_OPENS"] !== undefined) expect(preempt).toContain("(full)");
});

/** What the kernel was booted with: `none voluntary (full)`. */
function dynamicPreemption(): string {
  try {
    return readFileSync("/sys/kernel/debug/sched/preempt", "utf8").trim();
  } catch {
    return "";
  }
}
