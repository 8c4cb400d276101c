import { expect, test } from "vitest";
import { JsonataProgram } from "../../../rules/eval/jsonata-program.ts";
import type { Lists } from "../../../rules/model/lists.ts";

const LISTS = { shells: ["/bin/sh", "/bin/bash"], one: ["/tmp/"], none: [], mixed: ["a", 1] } as unknown as Lists;
const EVENT = {
  process: { binary: "/bin/ls", script: null, uid: 0, flags: "", caps: ["a"], deep: { x: true } },
  parent: { binary: "/bin/bash" },
};
const fails = (source: string, event: unknown = EVENT): boolean => new JsonataProgram(source, LISTS).fails(event);

test.each([
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
  "$exists(process.nothing)",
  '$contains(process.binary, "x")',
  "$lowercase(process.uid) and false",
  "process.uid < 0",
  "process.toString = 1",
  "process.binary in $lists.mixed",
])("of what it does not know it says nothing: %s", (source) => {
  expect(fails(source)).toBe(false);
});

test("what it says does not hold does not hold, and does not fail, by the interpreter", async () => {
  let seed = 7;
  const pick = <T>(of: readonly T[]): T => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return of[Math.floor((seed / 4_294_967_296) * of.length)]!;
  };
  const values = [
    "a",
    "",
    "/bin/sh",
    "/tmp/x",
    "10.1.2.3",
    0,
    1,
    true,
    false,
    null,
    ["a"],
    [],
    {},
    { b: "a" },
    undefined,
  ];
  const atoms = [
    "a",
    "a.b",
    "a.b.c",
    "b",
    "c.b",
    "$.a",
    '"a"',
    '""',
    "0",
    "1",
    "true",
    "null",
    "$lists.one",
    "$lists.shells",
  ];
  const lists = ["$lists.none", "$lists.mixed", "$lists.gone", '["a", a.b]', "[]", "a[0]", "(b)", "[a, b]"];
  const value = (): string => pick([...atoms, ...atoms, ...lists]);
  const condition = (depth: number): string => {
    if (depth === 0) return value();
    const inner = (): string => condition(depth - 1);
    return pick([
      () => `(${inner()}) and (${inner()})`,
      () => `${value()} = ${value()} and ${value()} != ${value()}`,
      () => `${value()} = ${value()} or ${value()} in ${value()}`,
      () => `$not(${inner()})`,
      () => `${value()} in ${value()}`,
      () => `${value()} = ${value()}`,
      () => `${value()} != ${value()}`,
      () => `$startsWith(${value()}, ${value()})`,
      () => `$cidr(${value()}, "10.0.0.0/8") and $not($endsWith(${value()}, ${value()}))`,
    ])();
  };
  let said = 0;
  for (let n = 0; n < 10_000; n++) {
    const source = condition(pick([0, 1, 2, 2, 3]));
    const event = {
      a: pick([pick(values), { b: pick([pick(values), { c: pick(values) }]) }]),
      b: pick(values),
      c: [{ b: "a" }],
    };
    const program = new JsonataProgram(source, LISTS);
    if (!program.fails(event)) continue;
    said++;
    expect(await program.holds(event), `${source} of ${JSON.stringify(event)}`).toBe(false);
  }
  expect(said).toBeGreaterThan(1000);
});
