import { expect, test } from "vitest";
import { SetupError } from "../../setup/errors.mjs";
import type { Step } from "../../setup/steps.mjs";
import { runSteps } from "../../setup/steps.mjs";

async function shown(...runs: ((step: Step) => Promise<void>)[]): Promise<{ ok: boolean; lines: string[] }> {
  const lines: string[] = [];
  const steps = runs.map((run, i) => ({ name: `step ${i}`, run }));
  const ok = await runSteps(steps, (line) => lines.push(line.replaceAll(/\d+(\.\d+)? s/g, "N s")));
  return { ok, lines };
}

test("nothing to do is one line", async () => {
  const idle = async (): Promise<void> => {};
  expect(await shown(idle, idle)).toEqual({ ok: true, lines: ["setup: all there: step 0, step 1 (N s)"] });
});

test("what is done is shown when it begins and when it is done", async () => {
  const { ok, lines } = await shown(async (step) => {
    step.doing("installing x");
    step.did("x installed");
  });
  expect(ok).toBe(true);
  expect(lines).toEqual(["setup: step 0: installing x …", "setup: step 0: x installed (N s)", "setup: ready (N s)"]);
});

test("a step that cannot be done ends the run and says what mends it", async () => {
  let later = false;
  const { ok, lines } = await shown(
    () => Promise.reject(new SetupError("tool", "no network", { help: "go install x" })),
    async () => {
      later = true;
    },
  );
  expect(ok).toBe(false);
  expect(later).toBe(false);
  expect(lines).toEqual(["setup: step 0: FAILED after N s: no network", "       to mend it: go install x"]);
});
