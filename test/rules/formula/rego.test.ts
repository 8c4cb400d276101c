import { expect, test } from "vitest";
import { formulaText } from "../../../bus/formula/text.ts";
import { build, regoRule } from "../helpers.ts";

/** What must hold for a body, and what can be looked for. */
async function formulaOf(bodies: string[], more = ""): Promise<string[]> {
  const files = Object.fromEntries(
    bodies.map((body, n) => [`r${n}.rego`, regoRule(`r${n}`, `alert contains {} if {\n\t${body}\n}\n${more}`)]),
  );
  const { set } = await build({ ...files, "lists/kinds.yaml": "a: bad\nb: good\n", "lists/names.yaml": "- x\n- y\n" });
  return bodies.map((_, n) => formulaText(set.index[`rule:r${n}`]!["process_exec"]!.formula));
}

const CASES: [string, string][] = [
  ['input.process.binary == "/a"', 'process.binary in "/a"'],
  ["input.process.binary in data.lists.names", 'process.binary in "x", "y"'],
  ["some name in data.lists.names\n\tcontains(input.process.cwd, name)", 'process.cwd contains "x", "y"'],
  ['lower(input.process.binary) == "/a"', 'process.binary in (any case) "/a"'],
  ['lower(input.process.binary) == "/A"', "nothing"],
  [
    'p := split(input.process.binary, "/")\n\tp[count(p) - 1] == "sh"',
    'process.binary in "sh" or process.binary suffix "/sh"',
  ],
  ['p := split(input.process.binary, "/")\n\tp[1] == "sh"', 'process.binary contains "sh"'],
  ["10 > input.process.uid", "process.uid range < 10"],
  [
    'not startswith(input.process.cwd, "/srv")\n\tinput.process.uid == 0',
    'process.cwd exists and not process.cwd prefix "/srv" and process.uid in 0',
  ],
  [
    'some s in input.process.stdio\n\ts.type == "socket"',
    'process.stdio.[] exists and process.stdio.[].type in "socket"',
  ],
  ["input.process.binary_properties.memfd", "process.binary_properties.memfd set"],
  ['data.lists.kinds[input.process.binary] == "bad"', 'process.binary in "a", "b"'],
  ["data.lists.gone[input.process.binary]", "nothing"],
  ['yes("/a")', 'process.binary suffix "/a"'],
  // A set is there also when nothing is in it, and what is false is there as well.
  ["names\n\tinput.process.uid == 0", "process.uid in 0"],
  ["count(names) == 0\n\tinput.process.uid == 0", "process.uid in 0"],
  ["some name in names\n\tinput.process.uid == 0", 'process.cwd prefix "/n" and process.uid in 0'],
  [
    'found := input.process.binary in ["/a"]\n\tnot found\n\tinput.process.uid == 0',
    "process.binary exists and process.uid in 0",
  ],
  ["every s in input.process.stdio {\n\t\ts.fd > 2\n\t}", "process.stdio exists"],
  // Rego is given neither zeros nor halves of pairs.
  ['contains(input.process.cwd, "\\u0000")', "process.cwd exists"],
];

test("the formulas of Rego", async () => {
  const helpers =
    'yes(name) if endswith(input.process.binary, name)\n\nnames contains "n" if startswith(input.process.cwd, "/n")\n';
  const texts = await formulaOf(
    CASES.map(([body]) => body),
    helpers,
  );
  expect(Object.fromEntries(CASES.map(([body], n) => [body, texts[n]]))).toEqual(Object.fromEntries(CASES));
});
