import type { Lists } from "../../../rules/model/lists.ts";
import type { Random } from "./random.ts";

export const LISTS = {
  shells: ["/bin/sh", "/bin/bash"],
  one: ["/tmp/"],
  none: [],
  mixed: ["a", 1],
} as unknown as Lists;

const VALUES = [
  ...[
    "a",
    "",
    "/bin/sh",
    "/bin/BASH",
    "/tmp/x",
    "10.1.2.3",
    "\u212aa",
    "aa b",
    0,
    1,
    2,
    true,
    false,
    null,
    ["a"],
    ["a", "/bin/sh"],
  ],
  ...[[], {}, { b: "a" }, [{ b: "a" }, { b: "/tmp/x" }], undefined],
];
const ATOMS = [
  "a",
  "a.b",
  "a.b.c",
  "b",
  "c.b",
  "$.a",
  '"a"',
  '""',
  '"/bin/sh"',
  "0",
  "1",
  "true",
  "null",
  "$lists.one",
  "$lists.shells",
  "$x",
];
const LISTED = [
  "$lists.none",
  "$lists.mixed",
  "$lists.gone",
  '["a", a.b]',
  '["a", "/tmp/x"]',
  "[]",
  "a[0]",
  "(b)",
  "[a, b]",
  "[0..3]",
  "a[b = 'a']",
  "a.*",
  "a[b = 'a'].b",
];
const REGEXES = ["/a/", "/^a/", "/^\\/(bin|tmp)\\//", "/sh$/i", "/^[ab]+$/", "/b?a/", "/x*/", "/(^| )b/"];

/** An event of some random values, and conditions over it of everything that rules are made of. */
export function randomEvent(random: Random): unknown {
  const value = (): unknown => random.pick(VALUES);
  return {
    a: random.pick([value(), { b: random.pick([value(), { c: value() }]) }]),
    b: value(),
    c: random.pick([[{ b: "a" }], value()]),
  };
}

export function randomCondition(random: Random, depth: number): string {
  const value = (): string => random.pick([...ATOMS, ...ATOMS, ...LISTED]);
  const inner = (): string => randomCondition(random, depth - 1);
  const text = (): string =>
    random.pick([
      value,
      () => `$lowercase(${value()})`,
      () => `$uppercase(${value()})`,
      () => `$substring(${value()}, ${random.pick(["0, 2", "-2", "1", "0, 1", "1, 2"])})`,
    ])();
  const regex = (): string => random.pick(REGEXES);
  const forms: (() => string)[] =
    depth === 0
      ? [text, value]
      : [
          () => `(${inner()}) and (${inner()})`,
          () => `(${inner()}) or (${inner()})`,
          () => `(${inner()}) ? (${inner()}) : (${inner()})`,
          () => `$not(${inner()})`,
          () => `$boolean(${inner()})`,
          () => `$exists(${value()})`,
          () => `($x := ${text()}; ${inner()})`,
          () => `($f := function($x) { ${inner()} }; $f(${value()}))`,
          () => `${text()} in ${value()}`,
          () => `${text()} = ${text()}`,
          () => `${text()} != ${value()}`,
          () => `${value()} ${random.pick(["<", "<=", ">", ">="])} ${value()}`,
          () => `$startsWith(${value()}, ${value()})`,
          () => `$endsWith(${text()}, ${value()})`,
          () => `$cidr(${value()}, "10.0.0.0/8")`,
          () => `$contains(${text()}, ${random.pick([value, regex])()})`,
          () => `$match(${text()}, ${regex()})`,
          () => `${text()} ~> ${regex()}`,
          () => `a.(${inner()})`,
          () => `c[${inner()}].b = "a"`,
        ];
  return random.pick(forms)();
}
