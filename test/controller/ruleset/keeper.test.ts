import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type BuildRequest, buildRuleSet } from "../../../controller/ruleset/build.ts";
import { openCacheDir } from "../../../controller/ruleset/cache-dir.ts";
import { RuleSetKeeper } from "../../../controller/ruleset/keeper.ts";
import { describeMessage, readBuildOutput } from "../../../controller/ruleset/output.ts";
import { unreadable, watchDirectories } from "../../../controller/ruleset/watch.ts";
import { FakeRuleSets, SILENT } from "../fake-bus.ts";

const FAKE_BUILD = fileURLToPath(new URL("fake-build.mjs", import.meta.url));
let root: string;
let rules: string;
let stopping: AbortController;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "reeve-test-"));
  rules = join(root, "rules");
  mkdirSync(rules);
  stopping = new AbortController();
});

afterEach(() => {
  stopping.abort();
  rmSync(root, { recursive: true, force: true });
});

const save = (text: string, name = "a.yaml"): void => writeFileSync(join(rules, name), text);

function makeRequest(change: Partial<BuildRequest> = {}): BuildRequest {
  const command = [process.execPath, FAKE_BUILD];
  const cache = join(root, "cache");
  return {
    command,
    directories: [rules],
    shipped: true,
    enforce: false,
    policies: true,
    cache,
    timeout: 10_000,
    ...change,
  };
}

describe("a build", () => {
  const build = async (change?: Partial<BuildRequest>): ReturnType<typeof buildRuleSet> =>
    await buildRuleSet(makeRequest(change), stopping.signal);

  test("gives the bundle with its digest, and leaves no file", async () => {
    vi.stubEnv("TMPDIR", root);
    save("one");
    const result = await build({ shipped: false, enforce: true });
    expect(result).toMatchObject({ ok: true, digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/), rules: 1 });
    expect(result.ok && Buffer.from(result.bytes).toString()).toBe("one|--no-shipped --enforce");
    expect(readdirSync(root)).toEqual(["cache", "rules"]);
    vi.unstubAllEnvs();
  });

  test("is told where to keep what the next one need not do again", async () => {
    save("CACHE");
    const result = await build();
    const cache = join(root, "cache");
    expect(result.ok && Buffer.from(result.bytes).toString()).toBe(`${join(cache, "rego")} ${join(cache, "node")}`);
  });

  test("that finds a mistake says file, line, rule and what is allowed", async () => {
    save("BROKEN");
    const result = await build();
    expect(result.ok ? [] : result.errors.map(describeMessage)).toEqual([
      `${join(rules, "a.yaml")}:3 rule x: no such severity (allowed: info, low)`,
    ]);
  });

  test.each<[string, string, Partial<BuildRequest>, RegExp]>([
    ["takes too long", "HANG", { timeout: 300 }, /^the build took longer than 300 ms and was stopped$/],
    ["crashes", "CRASH", {}, /^the build command ended with 70 and said no result: it fell over$/],
    [
      "is not there",
      "",
      { command: ["/nonexistent/reeve"] },
      /^rules could not be built: spawn \/nonexistent\/reeve ENOENT$/,
    ],
    ["writes no bundle", "", { command: ["/bin/sh", "-c", "echo '{}'"] }, /^rules could not be built: ENOENT/],
  ])("that %s is an error", async (_name, text, change, message) => {
    save(text);
    const result = await build(change);
    expect(result.ok ? "" : result.errors[0]?.message).toMatch(message);
  });

  test("is stopped with the controller", async () => {
    save("HANG");
    const started = Date.now();
    const result = build();
    setTimeout(() => stopping.abort(), 200);
    await expect(result).rejects.toMatchObject({ name: "AbortError" });
    expect(Date.now() - started).toBeLessThan(2_000);
  });

  test.each<[string, string]>([
    ["nothing", ""],
    ["a list", "[]"],
    ["text", '"ok"'],
  ])("output that is %s is none", (_name, text) => {
    expect(readBuildOutput(text)).toBeUndefined();
  });
});

describe("keeping a rule set", () => {
  let store: FakeRuleSets;
  let keeper: RuleSetKeeper;
  let running: Promise<void>;
  let close: () => Promise<void>;
  let builds: number;

  async function start(directories = [rules], enforce = false, inspect = unreadable): Promise<void> {
    store ??= new FakeRuleSets();
    builds = 0;
    keeper = new RuleSetKeeper({
      ...{ store, directories, inspect, enforce, again: 50, log: SILENT, onStatus: () => undefined },
      build: async (readable, policies, signal) => {
        builds += 1;
        return await buildRuleSet(makeRequest({ directories: readable, policies }), signal);
      },
      onReadable: (directory) => watching.again(directory),
    });
    const watching = watchDirectories(
      directories,
      () => keeper.changed(),
      () => undefined,
    );
    close = watching.close;
    await watching.ready;
    running = keeper.run(stopping.signal);
    await keeper.built;
  }

  beforeEach(() => {
    store = new FakeRuleSets();
    close = () => Promise.resolve();
    running = Promise.resolve();
  });

  afterEach(async () => {
    stopping.abort();
    await running;
    await close();
  });

  const live = (): string => Buffer.from(store.published.at(-1)?.bytes ?? "").toString();
  const until = async (condition: () => boolean): Promise<void> => {
    await vi.waitFor(() => expect(condition()).toBe(true), { timeout: 5_000, interval: 10 });
  };

  test("built at the start; a saved file is live within a second", async () => {
    save("one");
    await start();
    expect(live()).toBe("one|");
    expect(keeper.status).toMatchObject({ state: "live", source: "build", errors: [], directories: [rules] });
    for (const text of ["two", "three"]) {
      const saved = Date.now();
      save(text);
      await until(() => live() === `${text}|`);
      expect(Date.now() - saved).toBeLessThan(1_000);
    }
    save("four", "b.yaml");
    await until(() => live() === "threefour|");
    rmSync(join(rules, "a.yaml"));
    await until(() => live() === "four|");
  });

  test("a broken file leaves the last good set; repaired, it goes on", async () => {
    save("one");
    await start();
    const { digest } = keeper.status;
    save("BROKEN");
    await until(() => keeper.status.state === "broken");
    expect(keeper.status).toMatchObject({ digest, errors: [{ line: 3, rule: "x" }] });
    expect(store.published).toHaveLength(1);
    save("one");
    await until(() => keeper.status.state === "live");
    expect(keeper.status.errors).toEqual([]);
    expect(store.published).toHaveLength(1);
  });

  test("broken at the start: the set in the store stays", async () => {
    save("one");
    await start();
    const { digest } = keeper.status;
    stopping.abort();
    await running;
    await close();
    stopping = new AbortController();
    save("BROKEN");
    await start();
    expect(keeper.status).toMatchObject({ state: "broken", digest });
  });

  test("many saves at once are few builds, and the last one wins", async () => {
    save("0");
    await start();
    for (let i = 1; i <= 50; i++) {
      save(String(i));
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await until(() => live() === "50|");
    expect(builds).toBeLessThan(8);
  });

  test("what editors leave beside a file is no change", async () => {
    save("one");
    await start();
    for (const name of [".a.yaml.swp", "a.yaml~", "4913", "#a.yaml#", "x.tmp"]) save("junk", name);
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(builds).toBe(1);
  });

  test("a missing directory is said, the others are live, and it is taken when it appears", async () => {
    save("one");
    const late = join(root, "late");
    await start([rules, late]);
    expect(live()).toBe("one|");
    expect(keeper.status.errors.map(describeMessage)).toEqual([
      `${late} does not exist (allowed: an existing directory in rules.dirs; it is watched for and taken as soon as it is there)`,
    ]);
    mkdirSync(late);
    writeFileSync(join(late, "z.yaml"), "late");
    await until(() => keeper.status.state === "live" && live() === "lateone|");
  });

  test("with --enforce, no policy is armed before every directory was read; once it was, it may go away", async () => {
    save("one");
    const own = join(root, "own");
    mkdirSync(own);
    writeFileSync(join(own, "z.yaml"), "own");
    let readable = false;
    const inspect = (directory: string) =>
      directory === own && !readable
        ? { file: own, line: null, rule: null, message: "cannot be read", allowed: "chmod" }
        : unreadable(directory);
    await start([rules, own], true, inspect);
    expect(live()).toBe("one|--no-policies");
    const said = [
      `${own} cannot be read (allowed: chmod)`,
      expect.stringMatching(/^enforcement policies are not armed.*\(allowed: .*readable, or no --enforce\)$/),
    ];
    expect(keeper.status.state).toBe("broken");
    expect(keeper.status.errors.map(describeMessage)).toEqual(said);
    save("two");
    await until(() => live() === "two|--no-policies");
    expect(keeper.status.errors.map(describeMessage)).toEqual(said);
    // The same at the next start, with the set of this one in the store.
    stopping.abort();
    await running;
    await close();
    stopping = new AbortController();
    await start([rules, own], true, inspect);
    expect(keeper.status.errors.map(describeMessage)).toEqual(said);
    expect(live()).toBe("two|--no-policies");

    readable = true; // nothing changes in it: it is looked at
    await until(() => live() === "owntwo|" && keeper.status.state === "live");
    readable = false;
    save("three");
    await until(() => keeper.status.state === "broken");
    expect(live()).toBe("owntwo|");
    expect(keeper.status.errors.map(describeMessage)).toEqual(said.slice(0, 1));
    readable = true;
    await until(() => live() === "ownthree|");
  });

  test("a directory that goes away takes no rules out of the live set", async () => {
    save("one");
    await start();
    rmSync(rules, { recursive: true });
    await until(() => keeper.status.state === "broken");
    expect(live()).toBe("one|");
  });

  test("a pushed set is current until the next change", async () => {
    save("one");
    await start();
    const { digest } = keeper.status;
    save("two");
    await until(() => live() === "two|");
    await keeper.push(digest ?? "");
    expect([live(), keeper.status.source, keeper.status.digest]).toEqual(["one|", "push", digest]);
    await expect(keeper.push("sha256:none")).rejects.toMatchObject({ code: "not_found" });
    save("one");
    await until(() => keeper.status.source === "build");
    expect(keeper.status.digest).toBe(digest);
  });

  test("a store that does not answer is tried again", async () => {
    save("one");
    store.failures = 2;
    await start();
    expect(live()).toBe("one|");
    expect(keeper.status.state).toBe("live");
  });
});

test("what builds keep lies in a directory of the controller's own; what a killed one left is removed", async () => {
  const dead = spawnSync(process.execPath, ["-e", "0"]).pid;
  for (const name of [`reeve-builds-${dead}-a`, `reeve-builds-1-b`, "reeve-other"]) mkdirSync(join(root, name));
  {
    using cache = openCacheDir(root);
    expect(statSync(cache.path).mode & 0o777).toBe(0o700);
    writeFileSync(join(cache.path, "x"), "x");
    expect(readdirSync(root).sort()).toEqual([basename(cache.path), "reeve-builds-1-b", "reeve-other", "rules"].sort());
  }
  expect(readdirSync(root).sort()).toEqual(["reeve-builds-1-b", "reeve-other", "rules"]);
});

describe("a directory that cannot be read", () => {
  test("is named, with who could not and what is allowed", () => {
    const file = join(root, "file");
    writeFileSync(file, "");
    expect(unreadable(rules)).toBeUndefined();
    expect(unreadable(file)?.message).toBe("is no directory");
    expect(unreadable(join(root, "none"))?.message).toBe("does not exist");
  });

  test.skipIf(process.getuid?.() !== 0)("by an unprivileged uid", () => {
    chmodSync(root, 0o700);
    process.seteuid?.(64_999);
    try {
      expect(unreadable(rules)?.message).toMatch(/^cannot be read by the controller \(uid \d+\)$/);
    } finally {
      process.seteuid?.(0);
    }
  });
});
