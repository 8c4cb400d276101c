import { expect, test } from "vitest";
import { bounded, union } from "../../../bus/demand/wants.ts";
import { atom, or } from "../../../bus/formula/formula.ts";
import { validateDemand } from "../../../bus/validate.ts";

const binary = (...values: string[]) => atom("in", ["process", "binary"], values);

test("whoever wants an event gets it; of a kind that nobody names nothing is wanted", () => {
  const together = union([
    { process_exec: { formula: binary("/a"), for: ["rule a"] } },
    { process_exec: { formula: binary("/b"), for: ["rule b"] }, file_open: { formula: true, for: ["reader"] } },
  ]);
  expect(together).toEqual({
    file_open: { formula: true, for: ["reader"] },
    process_exec: { formula: binary("/a", "/b"), for: ["rule a", "rule b"] },
  });
  expect(union([])).toEqual({});
});

test("a demand stays below its limit: the largest formula gives way first, to a weaker one, then to everything", () => {
  const large = or(...Array.from({ length: 500 }, (_, n) => atom("suffix", ["process", `p${n}`], [`/${n}`])));
  const wants = {
    process_exec: { formula: large, for: Array.from({ length: 100 }, (_, n) => `rule ${n}`) },
    process_exit: { formula: binary("/a"), for: ["rule a"] },
  };
  const weak = atom("suffix", ["process", "binary"], ["/"]);
  const kept = bounded(wants, 2000, () => weak);
  expect(kept).toMatchObject({ process_exec: { formula: weak }, process_exit: { formula: binary("/a") } });
  expect(kept["process_exec"]!.for.at(-1)).toBe("and 76 more");
  expect(bounded(wants, 2000, (it) => it)).toMatchObject({ process_exec: { formula: true } });
  expect(bounded(wants, 10, (it) => it)).toMatchObject({ process_exit: { formula: true } });
  expect(bounded(wants, 1e6)["process_exec"]!.formula).toEqual(large);
});

test.each<[string, unknown, RegExp]>([
  ["an operator", { op: "like", path: ["a"], values: [] }, /wants\.process_exec\.formula\.op: "like" is not allowed/],
  ["a part", { and: [true, { op: "in", path: "a", values: [] }] }, /formula\.and\[1\]\.path/],
  ["nothing of it", {}, /wants\.process_exec\.formula/],
])("a demand with %s that cannot be is refused by name", (_name, formula, message) => {
  const demand = { wants: { process_exec: { formula, for: [] } }, ttl: 5000 };
  expect(() => validateDemand(demand)).toThrow(message);
  expect(validateDemand({ ...demand, wants: { process_exec: { formula: true, for: [] } } }).ttl).toBe(5000);
});
