import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { arrangeView } from "../../../cli/up/view.ts";

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "reeve-view-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

test("a tree that others may not read is copied; rule directories in it have a place to be mounted at", async () => {
  const [repo, runDir, dataDir] = ["repo", "run", "data"].map((name) => join(dir, name)) as [string, string, string];
  const policies = join(repo, "policies");
  mkdirSync(policies, { recursive: true });
  writeFileSync(join(repo, "package.json"), "{}", { mode: 0o600 });
  writeFileSync(join(repo, "package-lock.json"), '{"packages":{}}');
  writeFileSync(join(policies, "mine.yaml"), "id: mine\n", { mode: 0o600 });
  const view = await arrangeView({ repo, rulesDirs: [policies], runDir, dataDir, programs: [], say: () => {} });
  try {
    const app = join(dataDir, "app");
    expect(view.mounts).toContainEqual({ to: repo, from: app, writable: false });
    expect(view.mounts).toContainEqual({ to: policies, from: join(runDir, "rules/0"), writable: false });
    expect(existsSync(join(app, "policies"))).toBe(true);
    expect(existsSync(join(runDir, "rules/0/mine.yaml"))).toBe(true);
  } finally {
    await view.close();
  }
});
