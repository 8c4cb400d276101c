import { expect, test } from "vitest";
import { ATTACKS } from "./all.ts";

// With nobody watching every attack does what it says; what is found of them is tried with the whole loop.
test.each(ATTACKS)("$rule: $name", async (attack) => {
  const truth = await attack.run();
  expect(truth).toMatchObject({ rule: attack.rule, succeeded: true, signal: null });
  expect(truth.pid).toBeGreaterThan(1);
});
