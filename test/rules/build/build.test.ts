import { expect, test } from "vitest";
import { buildRuleSet } from "../../../rules/build/build.ts";
import { decodeRuleSet } from "../../../rules/model/rule-set.ts";
import { build, regoRule, rulesDir, yamlRule } from "../helpers.ts";

const FILES = {
  "rules/a.yaml": yamlRule("a", "process.uid = 0"),
  "d.rego": regoRule("d", "alert contains {} if input.process.uid == 0"),
  "lists/shells.yaml": "- mysh\n",
  "exceptions/mine.yaml":
    "- {rule: a, name: mine, when: process.pid = 1}\n- {rule: exec-from-tmp, name: ours, when: process.uid = 7}\n",
};

test("the same files are the same bytes, wherever they lie", async () => {
  const digests = new Set<string>();
  for (let n = 0; n < 3; n++) {
    using rules = rulesDir({});
    const dir = `${rules.dir}/policies`;
    const { mkdirSync, writeFileSync } = await import("node:fs");
    for (const [name, text] of n === 1 ? Object.entries(FILES).reverse() : Object.entries(FILES)) {
      mkdirSync(`${dir}/${name}`.replace(/\/[^/]*$/, ""), { recursive: true });
      writeFileSync(`${dir}/${name}`, text);
    }
    digests.add((await buildRuleSet({ dirs: [dir], shipped: true })).digest);
  }
  expect(digests.size).toBe(1);
});

test("the user's lists and exceptions are added to the shipped ones", async () => {
  const { set } = await build(FILES, true);
  expect(set.lists["shells"]).toEqual(expect.arrayContaining(["bash", "mysh"]));
  const shipped = set.rules.find((rule) => rule.id === "exec-from-tmp")!;
  expect(shipped.exceptions.map((exception) => exception.name)).toEqual(["go-run-and-test", "ours"]);
  expect(set.rules.find((rule) => rule.id === "a")!.exceptions).toHaveLength(1);
});

test("an entry point for each kind that has Rego", async () => {
  const { set } = await build(FILES, true);
  expect(set.entries).toEqual({ alert: "reeve/dispatch/alert", process_exec: "reeve/dispatch/process_exec" });
});

test("without policies the rules are as they are, and nothing decides", async () => {
  using rules = rulesDir(FILES);
  const { bytes } = await buildRuleSet({ dirs: [rules.dir], shipped: true, policies: false });
  const set = decodeRuleSet(bytes);
  expect(set.policies).toEqual([]);
  expect(set.entries).toEqual({ process_exec: "reeve/dispatch/process_exec" });
  expect(set.rules.map(({ id }) => id)).toEqual((await build(FILES, true)).set.rules.map(({ id }) => id));
});

test("without Rego there is no wasm", async () => {
  using rules = rulesDir({ "a.yaml": yamlRule("a", "true") });
  const { bytes } = await buildRuleSet({ dirs: [rules.dir], shipped: false });
  expect(decodeRuleSet(bytes)).toMatchObject({ wasm: null, entries: {} });
});

test("a bundle that is none says so", () => {
  expect(() => decodeRuleSet(Buffer.from("{"))).toThrow("the rule set is not JSON");
  expect(() => decodeRuleSet(Buffer.from("{}"))).toThrow('this engine reads "reeve-rule-set/1"');
});
