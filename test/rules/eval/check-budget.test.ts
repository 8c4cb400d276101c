import { expect, test } from "vitest";
import { CheckBudget } from "../../../rules/eval/check-budget.ts";

/** How many of so many lines of a node are to be checked. */
function taken(budget: CheckBudget, node: string, lines: number): number {
  let count = 0;
  for (let n = 0; n < lines; n++) if (budget.take(node)) count++;
  return count;
}

test("lines are checked up to a rate", () => {
  let now = 0;
  const budget = new CheckBudget(() => now);
  expect(taken(budget, "web-1", 5000)).toBe(2000);
  now = 500;
  budget.refill();
  expect(taken(budget, "web-1", 5000)).toBe(500);
  now = 60_000;
  budget.refill();
  expect(taken(budget, "web-1", 5000)).toBe(2000);
});

test("all lines of a node that sent what is no event are checked, for a while", () => {
  let now = 0;
  const budget = new CheckBudget(() => now);
  taken(budget, "web-1", 2000);
  budget.refused("web-1");
  expect(taken(budget, "web-1", 5000)).toBe(5000);
  expect(taken(budget, "web-2", 5000)).toBe(0);
  now = 59_000;
  budget.refill();
  taken(budget, "web-2", 2000);
  expect(taken(budget, "web-1", 5000)).toBe(5000);
  now = 61_000;
  budget.refill();
  expect(taken(budget, "web-1", 5000)).toBe(2000);
  expect(taken(budget, "web-1", 5000)).toBe(0);
});

test("no more nodes are remembered than there is room for", () => {
  const budget = new CheckBudget(() => 0);
  taken(budget, "x", 2000);
  for (let n = 0; n < 2000; n++) budget.refused(`node-${n}`);
  expect(budget.take("node-1023")).toBe(true);
  expect(budget.take("node-1024")).toBe(false);
});
