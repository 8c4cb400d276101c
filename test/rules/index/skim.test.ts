import { expect, test } from "vitest";
import { FieldIndex } from "../../../rules/index/field-index.ts";
import { KindIndex } from "../../../rules/index/kind-index.ts";
import type { IndexedUnit } from "../../../rules/index/kind-index.ts";
import { Skim } from "../../../rules/index/skim.ts";
import { atom } from "../../../bus/formula/formula.ts";
import type { Atom } from "../../../bus/formula/formula.ts";

const found = (...cover: Atom[]): IndexedUnit[] => [{ unit: 0, formula: true, cover }];

function concerns(event: unknown, ...cover: Atom[]): boolean {
  const text = typeof event === "string" ? event : JSON.stringify(event);
  const line = Buffer.from(`first line\n${text}\nlast line`).toString("latin1");
  return new Skim(new KindIndex(found(...cover), 1)).concerns(line, 11, "process_exec", "web-1");
}

const SHELL = atom("suffix", ["process", "binary"], ["/sh"]);
const event = (process: unknown, more: object = {}) => ({
  id: "1",
  kind: "process_exec",
  node: "web-1",
  process,
  ...more,
});

test.each<[string, unknown, ...Atom[]]>([
  ["the field", event({ pid: 1, binary: "/bin/sh" }), SHELL],
  [
    "a field behind objects, lists, escapes",
    event({ a: { b: [1, { c: '"}]' }] }, t: '\\"{', binary: "/bin/sh" }),
    SHELL,
  ],
  ["a text with escapes", event({ binary: 'x"/sh' }), SHELL],
  ["case", event({ binary: "/bin/SH" }), SHELL],
  ["a number", event({ uid: 0 }), atom("in", ["process", "uid"], [0])],
  ["null", event({ tty: null }), atom("in", ["process", "tty"], [null])],
  ["a range", event({ uid: 7 }), atom("range", ["process", "uid"], [{ min: 5, max: 9 }])],
  ["an address", event({ daddr: "10.1.2.3" }), atom("cidr", ["process", "daddr"], ["10.0.0.0/8"])],
  [
    "an element of a list",
    event({ stdio: [{ type: "null" }, { fd: 1, type: "socket" }] }),
    atom("in", ["process", "stdio", "[]", "type"], ["socket"]),
  ],
  [
    "an element that is a text",
    event({ effective: ["CAP_KILL"] }),
    atom("in", ["process", "effective", "[]"], ["CAP_KILL"]),
  ],
  ["a list where a text should be", event({ binary: ["/bin/sh"] }), SHELL],
  ["an object where a text should be", event({ binary: {} }), SHELL],
  [
    "characters past ASCII in a text without case",
    event({ binary: "/\u212a" }),
    atom("in", ["process", "binary"], ["/k"], true),
  ],
  [
    "a field after those that were left",
    event({ pid: 1, binary: "/x", z: { y: [1] } }, { parent: { binary: "/bin/sh" } }),
    atom("suffix", ["parent", "binary"], ["/sh"]),
    SHELL,
  ],
])("an event concerns a rule by %s", (_, given, ...cover) => {
  expect(concerns(given, ...cover)).toBe(true);
});

test.each<[string, unknown, ...Atom[]]>([
  ["another value", event({ binary: "/bin/ls" }), SHELL],
  ["the value in another field", event({ cwd: "/bin/sh", previous: { binary: "/bin/sh" } }), SHELL],
  ["nothing there", event({ pid: 1 }), SHELL],
  ["nothing around it", event(null), SHELL],
  ["an empty list", event({ stdio: [] }), atom("in", ["process", "stdio", "[]", "type"], ["socket"])],
  [
    "the other elements",
    event({ stdio: [{ fd: 0, type: "null" }] }),
    atom("in", ["process", "stdio", "[]", "type"], ["socket"]),
  ],
])("an event does not concern a rule by %s", (_, given, ...cover) => {
  expect(concerns(given, ...cover)).toBe(false);
});

test.each([
  ["is no JSON", "no event"],
  ["ends too early", '{"id":"1","kind":"process_exec","node":"web-1","process":{"binary":"/x'],
  ["has white space", '{"id":"1", "kind":"process_exec","node":"web-1","process":{"binary":"/x"}}'],
  ["has escapes in a name", '{"kind":"process_exec","node":"web-1","process":{"bin\\u0061ry":"/bin/sh"}}'],
  ["is of another kind", '{"kind":"process_exit","node":"web-1","process":{"binary":"/x"}}'],
  ["is of another node", '{"kind":"process_exec","node":"web-12","process":{"binary":"/x"}}'],
  ["has no kind", '{"node":"web-1","process":{"binary":"/x"}}'],
  ["is a list", '[{"kind":"process_exec","node":"web-1"}]'],
])("a line that %s is left to the parser", (_, line) => {
  expect(concerns(line, SHELL)).toBe(true);
});

test("with a rule that each event concerns, each is parsed", () => {
  const index = new KindIndex([{ unit: 0, formula: true, cover: null }], 1);
  expect(new Skim(index).concerns(JSON.stringify(event({})), 0, "process_exec", "web-1")).toBe(true);
});

test("a field finds each unit of a value, and no other", () => {
  const texts = ["he", "she", "his", "hers"];
  const atoms = texts.map((text, unit) => ({ atom: atom("contains", ["a"], [text]), unit }));
  const index = new KindIndex(
    atoms.map(({ atom: one, unit }) => ({ unit, formula: true, cover: [one] })),
    4,
  );
  expect(index.fields).toEqual([expect.any(FieldIndex)]);
  expect(index.find({ a: "uSHErs" })).toEqual([0, 1, 3]);
  expect(index.find({ a: "hi" })).toEqual([]);
});
