import { beforeAll, describe, expect, test } from "vitest";
import type { RuleSet } from "../../../rules/model/rule-set.ts";
import { compare, differentialSet } from "./compare.ts";
import { FAULTS } from "./faults.ts";

let set: RuleSet;
beforeAll(async () => {
  set = await differentialSet(7);
});

test("with the index the same is found as by every rule, in both languages", async () => {
  const { differences, findings, fromText } = await compare(set, 1, ({ events }) => events >= 400);
  expect(differences).toEqual([]);
  expect(findings).toBeGreaterThan(300);
  expect(fromText).toBeGreaterThan(200);
});

describe("a mistake in the index is noticed", () => {
  test.each(FAULTS)("$name", async ({ inject }) => {
    using faulty = inject(set);
    const { differences } = await compare(
      set,
      2,
      ({ events, differences }) => differences.length > 0 || events >= 3000,
      faulty.set,
    );
    expect(differences.length).toBeGreaterThan(0);
  });
});
