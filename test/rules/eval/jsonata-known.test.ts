import { expect, test } from "vitest";
import { JsonataProgram } from "../../../rules/eval/jsonata-program.ts";
import { LISTS, randomCondition, randomEvent } from "../lib/random-jsonata.ts";
import { randomOf } from "../lib/random.ts";

const EVENT = {
  process: { binary: "/bin/ls", script: null, uid: 0, flags: "", caps: ["a"], deep: { x: true } },
  parent: { binary: "/bin/bash" },
};
const fails = (source: string, event: unknown = EVENT): boolean =>
  new JsonataProgram(source, LISTS).decide(event) === false;

test.each([
  '$contains(process.binary, "x")',
  "process.uid < 0",
  "process.uid > 0 ? true : false",
  '($b := $lowercase(process.binary); $b = "X")',
  "$match(process.binary, /x$/)",
  "$startsWith([process.binary, process.script], $lists.one)",
  'process.binary = "/bin/sh"',
  "process.binary in $lists.shells",
  'process.binary in ["a", "b"] or process.uid = 1',
  'process.uid = 0 and $endsWith(parent.binary, ["/go", "/make"])',
  "$not(process.uid = 0)",
  "process.nothing = 1",
  "process.nothing.at.all",
  '$cidr(process.binary, "10.0.0.0/8")',
  "process.flags",
  '(process.uid = 1 or process.script = "x") and true',
  'process.uid != 0 and process.caps = "x"',
])("a condition is seen not to hold without the interpreter: %s", (source) => {
  expect(fails(source)).toBe(true);
});

test.each([
  "process.uid = 0",
  "process.caps = 'b'",
  'process.*.x = "b"',
  "process.binary[0] = 1",
  "$lowercase(process.uid) and false",
  "process.binary < 0",
  "$contains(process.binary, /x*/)",
  "process.toString = 1",
  "process.binary in $lists.mixed",
])("of what it does not know it says nothing: %s", (source) => {
  expect(fails(source)).toBe(false);
});

test("what it says the interpreter says, without an error", async () => {
  const random = randomOf(7);
  let said = 0;
  let held = 0;
  for (let n = 0; n < 10_000; n++) {
    const source = randomCondition(random, random.pick([0, 1, 2, 2, 3]));
    const event = randomEvent(random);
    const program = new JsonataProgram(source, LISTS);
    const decided = program.decide(event);
    if (decided === null) continue;
    said++;
    if (decided) held++;
    expect(await program.interpret(event), `${source} of ${JSON.stringify(event)}`).toBe(decided);
  }
  expect(said).toBeGreaterThan(1500);
  expect(held).toBeGreaterThan(200);
});
