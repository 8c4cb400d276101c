import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { keepHealth } from "../../bus/health.ts";

let dir: string;
let file: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "reeve-health-"));
  file = join(dir, "health.json");
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** What the image's health check makes of it. */
function checked(): { status: number | null; said: string } {
  const script = join(import.meta.dirname, "../../deploy/image/health.mjs");
  const { status, stdout } = spawnSync(process.execPath, [script], {
    env: { REEVE_HEALTH_FILE: file },
    encoding: "utf8",
  });
  return { status, said: stdout.trim() };
}

test("a process that is well is healthy until it ends", () => {
  const end = keepHealth(() => null, { REEVE_HEALTH_FILE: file });
  expect(checked()).toEqual({ status: 0, said: "" });
  end();
  expect(existsSync(file)).toBe(false);
  expect(checked()).toMatchObject({ status: 1, said: expect.stringContaining("not ready yet") as string });
});

test("one that is not well says why", () => {
  const end = keepHealth(() => "the bus is away", { REEVE_HEALTH_FILE: file });
  expect(checked()).toEqual({ status: 1, said: "the bus is away" });
  end();
});

test("one that hangs is found by what it said last", () => {
  writeFileSync(file, JSON.stringify({ ok: true, time: new Date(Date.now() - 20_000).toISOString(), reason: null }));
  utimesSync(file, new Date(), new Date());
  expect(checked()).toEqual({ status: 1, said: "it has said nothing for 20 s" });
});

test("without the variable nothing is written", () => {
  keepHealth(() => null, {})();
  expect(existsSync(file)).toBe(false);
});
