import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { loadForOperator } from "../../cli/find-bus.ts";

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "reeve-find-"));
  mkdirSync(join(dir, "compose"));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(dir, { recursive: true, force: true });
});

const started = (): void => writeFileSync(join(dir, "compose/bus.json"), '{"url":"nats://127.0.0.1:4333"}');
const found = (flags: Record<string, unknown> = {}): [string, string] => {
  const { config } = loadForOperator(flags, join(dir, "compose"));
  return [config.run_dir, config.bus.credentials_dir];
};

test("nothing was started by compose: the run directory of reeve up", () => {
  expect(found()).toEqual(["/run/reeve", "/run/reeve/credentials"]);
});

test("compose was started, reeve up was not: that of compose", () => {
  started();
  expect(found()).toEqual([join(dir, "compose"), join(dir, "compose/credentials")]);
});

test.each([
  [{ instance: "two" }, "/run/reeve-two"],
  [{ runDir: "/srv/reeve" }, "/srv/reeve"],
  [{ nats: "nats://127.0.0.1:1" }, "/run/reeve"],
])("with %o it is what was asked for", (flags, runDir) => {
  started();
  expect(found(flags)[0]).toBe(runDir);
});

test("a variable counts as well", () => {
  started();
  vi.stubEnv("REEVE_RUN_DIR", "/srv/reeve");
  expect(found()[0]).toBe("/srv/reeve");
});
