import { expect, test } from "vitest";
import { formatProblem } from "../../../rules/errors.ts";
import { Problems } from "../../../rules/load/problems.ts";
import { readRuleTests } from "../../../rules/testing/rule-test.ts";
import { exec } from "../helpers.ts";

function read(...events: string[]): { problems: string[]; tests: number } {
  const problems = new Problems();
  const text = `rule: r\nevents:\n${events.map((event) => `  - ${event}\n`).join("")}expect: [false]\n`;
  const tests = readRuleTests({ file: "x.test.yaml", name: "x.test.yaml", text, role: "test" }, problems);
  return { problems: problems.errors.map(formatProblem), tests: tests.length };
}

test.each([
  ["{process: {binry: /tmp/x}}", 'process has no field "binry": did you mean "binary"?'],
  ["{procss: {}}", 'a process_exec event has no field "procss": did you mean "process"?'],
  ["{process: {stdio: [{fd: 0}, {fdd: 1}]}}", 'process.stdio has no field "fdd": did you mean "fd"?'],
  ["{kind: process_exit, process: {previous: {binary: x}}}", 'process has no field "previous"'],
])("a field that no such event has is said, or the test would pass for nothing: %s", (event, message) => {
  const { problems } = read("{process: {uid: 0}}", event);
  expect(problems).toHaveLength(1);
  expect(problems[0]).toContain(`x.test.yaml:4: r: ${message}`);
  expect(problems[0]).toContain("(allowed: ");
});

test("every field that an event has may be given", () => {
  const whole = [
    JSON.stringify(exec()),
    "{process: {container: {labels: {a.b/c: x}}}}",
    "{kind: denial, because: {policy: p}, undecided: true}",
    "{kind: gap, count: 3}",
  ];
  expect(read(...whole)).toEqual({ problems: [], tests: 1 });
});
