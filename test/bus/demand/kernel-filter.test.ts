import { expect, test } from "vitest";
import { carried } from "../../../bus/demand/carried.ts";
import { kernelFilter } from "../../../bus/demand/kernel-filter.ts";
import { demandSelectors } from "../../../bus/demand/selectors.ts";
import { and, atom, negated, or } from "../../../bus/formula/formula.ts";
import type { Atom, AtomOp, AtomValue, Formula } from "../../../bus/formula/formula.ts";
import { compileFormula } from "../../../bus/formula/verify.ts";
import type { Predicate } from "../../../bus/types/selector.ts";
import { validateSelector } from "../../../bus/validate.ts";
import { randomOf, type Random } from "../../rules/lib/random.ts";

const path = (op: AtomOp, ...values: AtomValue[]): Atom => atom(op, ["file", "path"], values);
const open = { match: [], nodes: null };

test.each<[string, Atom, string, Predicate | string]>([
  ["a prefix", path("prefix", "/etc/"), "file_open", { field: "file.path", op: "prefix", values: ["/etc/"] }],
  ["whole paths", path("in", "/a", "/b"), "file_open", { field: "file.path", op: "in", values: ["/a", "/b"] }],
  ["an end", path("suffix", ".ko"), "file_open", { field: "file.path", op: "suffix", values: [".ko"] }],
  ["a part", path("contains", "x"), "file_open", "selectors cannot say that"],
  ["without case", { ...path("in", "/a"), fold: true }, "file_open", "selectors compare with case"],
  ["what must not be", negated(path("prefix", "/a")), "file_open", "only what must be there"],
  ["a relative path", path("in", "/a", "b"), "file_open", "selectors cannot say that"],
  ["a path that is too long", path("in", `/${"x".repeat(255)}`), "file_open", "selectors cannot say that"],
  ["bytes that were no text", path("prefix", "/a\ufffd"), "file_open", "selectors cannot say that"],
  ["an empty beginning", path("prefix", ""), "file_open", "selectors cannot say that"],
  [
    "a binary",
    atom("in", ["process", "binary"], ["/x"]),
    "file_open",
    { field: "process.binary", op: "in", values: ["/x"] },
  ],
  ["the parent's, which may have become another", atom("in", ["parent", "binary"], ["/x"]), "file_open", "another one"],
  ["the user, who may have become another", atom("in", ["process", "uid"], [0]), "file_open", "another one"],
  ["a number", atom("in", ["file", "inode"], [7]), "file_open", { field: "file.inode", op: "in", values: [7] }],
  ["no whole number", atom("in", ["file", "inode"], [7.5]), "file_open", "selectors cannot say that"],
  [
    "a device",
    atom("in", ["file", "device"], ["8:1"]),
    "file_open",
    { field: "file.device", op: "in", values: ["8:1"] },
  ],
  ["a field of another hook", path("in", "/a"), "network_connect", "no field of selectors"],
  [
    "a port",
    atom("in", ["socket", "dport"], [22]),
    "network_connect",
    { field: "socket.dport", op: "in", values: [22] },
  ],
  [
    "ports",
    atom("range", ["socket", "dport"], [{ min: 1024, above: true }]),
    "network_connect",
    { field: "socket.dport", op: "range", values: [[1025, 65535]] },
  ],
  ["a name", atom("in", ["signal"], ["SIGKILL"]), "process_signal", { field: "signal", op: "in", values: ["SIGKILL"] }],
  ["a name that is none", atom("in", ["signal"], ["SIGNOTHING"]), "process_signal", "selectors cannot say that"],
  ["a name of one of several hooks", atom("in", ["call"], ["mount"]), "mount", "selectors cannot say that"],
  [
    "a text",
    atom("prefix", ["link_target"], [".."]),
    "file_symlink",
    { field: "link_target", op: "prefix", values: [".."] },
  ],
  [
    "flags, of which a hook takes few",
    atom("in", ["file", "flags", "[]"], ["O_CREAT"]),
    "file_open",
    "no field of selectors",
  ],
  ["no upper bound of a large number", atom("range", ["file", "inode"], [{ min: 5 }]), "file_open", "cannot say that"],
  [
    "what may be no number",
    atom("range", ["socket", "dport"], [{ min: 1, other: true }]),
    "network_connect",
    "cannot say",
  ],
  [
    "networks",
    atom("cidr", ["socket", "daddr"], ["10.0.0.0/8", "::1"]),
    "network_connect",
    { field: "socket.daddr", op: "cidr", values: ["10.0.0.0/8", "::1/128"] },
  ],
  ["no address", atom("in", ["socket", "daddr"], ["host"]), "network_connect", "cannot say"],
])("%s", (_name, it, hook, expected) => {
  const made = carried(it, hook);
  if (typeof expected === "string") expect(made).toEqual({ lack: expect.stringContaining(expected) });
  else expect(made).toEqual({ predicate: expected });
});

test.each<[string, Formula, unknown]>([
  ["everything", true, [open]],
  ["nothing", false, []],
  ["what cannot be said lets everything through", path("contains", "x"), [open]],
  ["in an AND it is left out", and(path("contains", "x"), path("prefix", "/a/")), [[path("prefix", "/a/")]]],
  ["in an OR it opens all", or(path("contains", "x"), path("prefix", "/a/")), [open]],
  [
    "an OR in an AND is multiplied out",
    and(path("prefix", "/a/"), or(path("suffix", "x"), atom("in", ["file", "inode"], [1]))),
    [
      [path("prefix", "/a/"), path("suffix", "x")],
      [path("prefix", "/a/"), atom("in", ["file", "inode"], [1])],
    ],
  ],
  [
    "two of one operand: the first",
    { and: [path("prefix", "/a/"), path("prefix", "/a/b/")] },
    [[path("prefix", "/a/")]],
  ],
])("%s", (_name, formula, expected) => {
  const shown = kernelFilter(formula, "file_open").any.map(({ match, nodes }) =>
    match.length === 0
      ? { match, nodes }
      : match.map(({ field, op, values }) => ({ op, path: field.split("."), values })),
  );
  expect(shown).toEqual(expected);
});

test("a node is a scope, and what is for no node is for none", () => {
  const on = (...nodes: string[]): Formula => and(atom("in", ["node"], nodes), path("prefix", "/a/"));
  expect(kernelFilter(on("a", "b"), "file_open").any).toMatchObject([{ nodes: ["a", "b"], match: [{ op: "prefix" }] }]);
  expect(kernelFilter(and(on("a"), atom("in", ["node"], ["b"])), "file_open").any).toEqual([]);
});

test("too many alternatives become fewer selectors, which let more through", () => {
  const many = or(
    ...Array.from({ length: 3000 }, (_, n) => and(path("prefix", `/${n}/`), atom("in", ["file", "inode"], [n]))),
  );
  const { any } = kernelFilter(many, "file_open");
  expect(any).toHaveLength(1);
  expect(any[0]!.match[0]).toMatchObject({ field: "file.inode", op: "in" });
  expect(any[0]!.match[0]!.values).toHaveLength(3000);
  const product = and(...[0, 1, 2].map((n) => or(...alternatives(n))));
  expect(kernelFilter(product, "file_open").any.length).toBeLessThanOrEqual(256);
});

const alternatives = (n: number): Formula[] =>
  Array.from({ length: 12 }, (_, m) => and(path("prefix", `/${n}${m}/`), path("suffix", `${n}.${m}`)));

test("what a formula lets through, its selectors do", () => {
  const random = randomOf(7);
  let held = 0;
  for (let round = 0; round < 20_000; round++) {
    const formula = randomFormula(random, 3);
    const event = {
      kind: "file_open",
      node: "n",
      file: randomFile(random),
      process: { binary: random.pick(PATHS), uid: 1 },
    };
    const through = kernelFilter(formula, "file_open").any.some(({ match }) => match.every((it) => meets(event, it)));
    if (!compileFormula(formula)(event)) continue;
    held++;
    expect([formula, event, through]).toEqual([formula, event, true]);
  }
  expect(held).toBeGreaterThan(4000);
});

test("selectors are valid, named by what they ask, and only of hooks that have to be asked", () => {
  const want = (formula: Formula) => ({ formula, for: ["rule a", "rule b"] });
  const wants = { process_exec: want(true), file_open: want(path("prefix", "/a/")) };
  const selectors = demandSelectors({ wants, rulesets: [], standby: [] });
  expect(selectors.map((it) => validateSelector(it).hook)).toEqual(["file_open"]);
  expect(selectors[0]!.because.reason).toBe("wanted by rule a, rule b");
  const again = demandSelectors({ wants: { file_open: { ...wants.file_open, for: [] } }, rulesets: [], standby: [] });
  expect(again[0]!.id).toBe(selectors[0]!.id);
});

const PATHS = ["/a/b", "/a/c.ko", "/etc/passwd", "b", "", "/b/\ufffd"];
const INODES = [0, 1, 2, 2 ** 33];

function randomFile(random: Random): object {
  return { path: random.pick(PATHS), inode: random.pick(INODES), device: random.pick(["8:1", "0:5"]) };
}

function randomFormula(random: Random, depth: number): Formula {
  if (depth === 0 || random.chance(0.3)) return randomAtom(random);
  const parts = Array.from({ length: 1 + random.below(3) }, () => randomFormula(random, depth - 1));
  return random.chance(0.5) ? and(...parts) : or(...parts);
}

function randomAtom(random: Random): Atom {
  const text = random.pick([
    ["file", "path"],
    ["process", "binary"],
  ]);
  const part = (): string => random.pick([...PATHS, "/a", "/a/", ".ko", "/etc/", "d"]);
  const made = random.pick([
    atom(random.pick(["in", "prefix", "suffix", "contains"] as const), text, [part(), part()].slice(random.below(2))),
    atom("in", ["file", "inode"], [random.pick(INODES), random.pick(INODES)]),
    atom("range", ["file", "inode"], [{ min: random.below(3), max: random.below(4), below: true }]),
    atom("in", ["file", "device"], ["8:1"]),
    atom("in", ["process", "uid"], [random.below(2)]),
    atom("exists", ["file", "path"]),
  ]);
  return random.chance(0.2) ? negated(made) : made;
}

/** What the matcher does with a predicate, on the event's own values. */
function meets(event: object, { field, op, values }: Predicate): boolean {
  const value = field.split(".").reduce<unknown>((at, name) => (at as Record<string, unknown>)[name], event);
  return values.some((it) => {
    if (op === "in") return value === it;
    if (op === "prefix") return (value as string).startsWith(it as string);
    if (op === "suffix") return (value as string).endsWith(it as string);
    if (op === "range") return (value as number) >= (it as number[])[0]! && (value as number) <= (it as number[])[1]!;
    throw new Error(`${op} is not tried here`);
  });
}
