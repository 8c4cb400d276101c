import { expect, test } from "vitest";
import { kernelFilter } from "../../../bus/demand/kernel-filter.ts";
import { compileFormula } from "../../../bus/formula/verify.ts";
import { formulaText } from "../../../bus/formula/text.ts";
import type { Demand } from "../../../bus/types/demand.ts";
import { validateDemand } from "../../../bus/validate.ts";
import { createLogger } from "../../../bus/log.ts";
import { DemandKeeper } from "../../../rules/engine/demand.ts";
import { wantsOf } from "../../../rules/engine/wants.ts";
import { until } from "../../bus/harness.ts";
import { build } from "../helpers.ts";

const rule = (id: string, on: string, when: string): string =>
  `id: ${id}\non: [${on}]\nwhen: ${when}\nseverity: high\nmessage: x\n`;
const FILES = {
  "a.yaml": rule("a", "process_exec", 'process.binary = "/a"'),
  "b.yaml": rule("b", "process_exec", 'process.binary = "/b"'),
  "files.yaml": rule("files", "file_open", '$startsWith(file.path, "/etc/") and $contains(file.path, "x")'),
  "files.rego": `# METADATA
# title: Files
# custom: {id: files-rego, on: [file_open], severity: low}
package detections.files

alert contains {"message": "x"} if {
	endswith(input.file.path, ".ko")
	input.file.inode > 5
}
`,
  "denials.yaml": rule("denials", "denial", "true"),
};

test("an engine wants what its rules may find something in, in both languages, and not what disabled ones would", async () => {
  const { set } = await build(FILES);
  const wants = wantsOf(set, new Set());
  expect(Object.keys(wants)).toEqual(["file_open", "process_exec"]);
  expect(wants["process_exec"]!.for).toEqual(["rule a", "rule b"]);
  const wanted = compileFormula(wants["process_exec"]!.formula);
  expect(["/a", "/b", "/c"].map((binary) => wanted({ kind: "process_exec", process: { binary } }))).toEqual([
    true,
    true,
    false,
  ]);
  expect(formulaText(wantsOf(set, new Set(["b"]))["process_exec"]!.formula)).toBe('process.binary in "/a"');
  const { any } = kernelFilter(wants["file_open"]!.formula, "file_open");
  expect(any.map(({ match }) => match.map(({ field, op, values }) => [field, op, values]))).toEqual([
    [["file.path", "prefix", ["/etc/"]]],
    [["file.path", "suffix", [".ko"]]],
  ]);
});

test("the shipped rules are wanted as a whole in less than the limit", async () => {
  const { set } = await build({}, true);
  const wants = wantsOf(set, new Set());
  expect(validateDemand({ wants, ttl: 5000 }).wants).toEqual(wants);
  expect(wants["process_exec"]!.formula).not.toBe(true);
  expect(wants["process_exit"]).toBeUndefined();
});

test("what is wanted is said again, also after the bus was away, and no more after the end", async () => {
  const { set } = await build(FILES);
  const said: Demand[] = [];
  let away = true;
  const bus = {
    putDemand: (_name: string, demand: Demand) => {
      if (away) return Promise.reject(new Error("away"));
      said.push(validateDemand(demand));
      return Promise.resolve();
    },
  };
  const keeper = new DemandKeeper(bus, "one", createLogger("test", "silent"));
  await keeper.want([{ set, disabled: new Set() }]);
  expect(said).toEqual([]);
  away = false;
  await until(() => said.length === 1);
  expect(said[0]).toMatchObject({ rulesets: [set.digest] });
  expect(said[0]!.standby).toBeUndefined();
  await keeper.want([{ set, disabled: new Set(["files", "files-rego"]) }]);
  expect(Object.keys(said[1]!.wants)).toEqual(["process_exec"]);
  keeper.stop();
});
