import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { buildRuleSet } from "../../../rules/build/build.ts";
import { RuleErrors } from "../../../rules/errors.ts";
import { decodeRuleSet } from "../../../rules/model/rule-set.ts";
import type { RuleSet } from "../../../rules/model/rule-set.ts";
import { regoRule, rulesDir, yamlRule } from "../helpers.ts";

let rules: ReturnType<typeof rulesDir>;
let cache: ReturnType<typeof rulesDir>;

beforeEach(() => {
  rules = rulesDir({
    "a.yaml": yamlRule("a", "process.uid = 0"),
    "d.rego": regoRule("d", "alert contains {} if input.process.uid == 0"),
  });
  cache = rulesDir({});
});

afterEach(() => {
  rules[Symbol.dispose]();
  cache[Symbol.dispose]();
});

const save = (name: string, text: string): void => writeFileSync(join(rules.dir, name), text);

async function build(dir = cache.dir): Promise<RuleSet> {
  return decodeRuleSet((await buildRuleSet({ dirs: [rules.dir], shipped: false, cache: dir })).bytes);
}

async function uncached(): Promise<RuleSet> {
  return decodeRuleSet((await buildRuleSet({ dirs: [rules.dir], shipped: false })).bytes);
}

/** Writes other content into what is kept, as if it had been compiled so. */
function replaceKept(with_: string): void {
  for (const name of readdirSync(cache.dir)) {
    const file = join(cache.dir, name);
    if (!readFileSync(file).includes("opa_eval")) continue; // the capabilities
    writeFileSync(file, Buffer.concat([createHash("sha256").update(with_).digest(), Buffer.from(with_)]));
  }
}

test("what was compiled is taken again as long as the Rego is the same", async () => {
  const first = await build();
  expect(first.digest).toBe((await uncached()).digest);
  expect((await build()).digest).toBe(first.digest);
  replaceKept("kept");
  save("a.yaml", yamlRule("a", "process.uid = 1"));
  save("lists.yaml", yamlRule("b", "true"));
  const next = await build();
  expect(Buffer.from(next.wasm!).toString()).toBe("kept");
  expect(next.rules.map(({ id }) => id)).toEqual(["a", "b", "d"]);

  save("d.rego", regoRule("d", "alert contains {} if input.process.uid == 1"));
  expect((await build()).digest).toBe((await uncached()).digest);
});

test("a mistake in Rego is said each time, also where the rest is kept", async () => {
  await build();
  save("d.rego", regoRule("d", "alert contains {} if input.process.uidd == 0"));
  for (let n = 0; n < 2; n++) {
    const error = await build().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(RuleErrors);
    expect((error as RuleErrors).problems).toMatchObject([{ file: join(rules.dir, "d.rego"), line: 6, rule: "d" }]);
  }
  // And what was right under other kinds of events need not be so under these.
  save("d.rego", regoRule("d", "alert contains {} if input.process.uid == 0"));
  await build();
  save("d.rego", regoRule("d", "alert contains {} if input.process.uid == 0").replace("[process_exec]", "[gap]"));
  await expect(build()).rejects.toThrow(RuleErrors);
});

test.each<[string, (file: string) => void]>([
  ["cut off", (file) => writeFileSync(file, readFileSync(file).subarray(0, 100))],
  ["empty", (file) => writeFileSync(file, "")],
  ["changed", (file) => writeFileSync(file, Buffer.concat([readFileSync(file).subarray(0, 2000), Buffer.alloc(500)]))],
])("what is kept and %s is made anew", async (_name, spoil) => {
  const { digest } = await build();
  const names = readdirSync(cache.dir);
  for (const name of names) spoil(join(cache.dir, name));
  expect((await build()).digest).toBe(digest);
  replaceKept("kept");
  expect(Buffer.from((await build()).wasm!).toString()).toBe("kept");
  expect(readdirSync(cache.dir)).toEqual(names);
});

test("a directory that cannot be used breaks no build; one that is used does not grow without end", async () => {
  const { digest } = await uncached();
  save("file", "");
  for (const dir of [join(rules.dir, "file"), "/proc/nowhere"]) expect((await build(dir)).digest).toBe(digest);
  for (let n = 0; n < 40; n++) writeFileSync(join(cache.dir, `rego-${n}`), "");
  await build();
  expect(readdirSync(cache.dir).length).toBeLessThan(20);
});
