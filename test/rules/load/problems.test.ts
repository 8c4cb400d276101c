import { describe, expect, test } from "vitest";
import { problemsOf, regoRule, yamlRule } from "../helpers.ts";

const GOOD = yamlRule("good", 'process.binary = "/x"');

/** Files, then what must be said: `file:line`, the message's part, what is allowed. */
const ERRORS: [string, Record<string, string>, string, string | RegExp, (string | RegExp)?][] = [
  [
    "a wrong key names the nearest right one",
    { "r.yaml": GOOD.replace("severity", "severty") },
    "r.yaml:4",
    'no key "severty": did you mean "severity"',
    /id, title/,
  ],
  ["a missing key", { "r.yaml": "id: a\nwhen: true\nseverity: low\n" }, "r.yaml:1", "on is missing", /process_exec/],
  [
    "an unknown kind",
    { "r.yaml": GOOD.replace("process_exec", "proces_exec") },
    "r.yaml:2",
    'unknown event kind "proces_exec": did you mean "process_exec"',
    /process_exit/,
  ],
  [
    "an unknown severity",
    { "r.yaml": GOOD.replace("high", "hgh") },
    "r.yaml:4",
    'unknown severity "hgh": did you mean "high"',
    /critical/,
  ],
  [
    "an unknown field",
    { "r.yaml": yamlRule("a", 'process.binari = "/x"') },
    "r.yaml:3",
    'no field "binari" here: did you mean "binary"',
    /arguments/,
  ],
  [
    "an unknown field in a message",
    { "r.yaml": GOOD.replace("process.binary}}", "process.bin}}") },
    "r.yaml:5",
    'no field "bin"',
  ],
  [
    "an unknown field in an array",
    { "r.yaml": yamlRule("a", 'process.stdio.typ = "socket"') },
    "r.yaml:3",
    'no field "typ"',
  ],
  [
    "an unknown function",
    { "r.yaml": yamlRule("a", '$startWith(process.binary, "/x")') },
    "r.yaml:3",
    'no function $startWith: did you mean "startsWith"',
  ],
  [
    "not without its $",
    { "r.yaml": yamlRule("a", "not(process.uid = 0)") },
    "r.yaml:3",
    '"not" is not a function: write $not(...)',
  ],
  [
    "not as an operator",
    { "r.yaml": yamlRule("a", "process.uid = 1 and not process.pid = 3") },
    "r.yaml:3",
    'there is no operator "not": write $not(...)',
  ],
  ["broken JSONata", { "r.yaml": yamlRule("a", "process.binary = = 3") }, "r.yaml:3", "when is not JSONata"],
  ["broken YAML", { "r.yaml": "id: [a\nwhen: b" }, "r.yaml:2", "is not YAML"],
  ["a broken message", { "r.yaml": GOOD.replace("{{process.binary}}", "{{process.") }, "r.yaml:5", "message:"],
  [
    "a tag that is none",
    { "r.yaml": yamlRule("a", "true", "tags: [T12]\n") },
    "r.yaml:6",
    'tag "T12" is not one',
    /T1059/,
  ],
  [
    "a duration that is none",
    { "r.yaml": yamlRule("a", "true", "dedupe: {by: [process.binary], within: 5x}\n") },
    "r.yaml:6",
    'dedupe.within "5x"',
  ],
  [
    "a scope that no event can be told by",
    { "r.yaml": yamlRule("a", "true", "scope: {tree: x}\n") },
    "r.yaml:6",
    "scope.tree: unknown key; allowed: nodes, cgroup, container, service, pod",
  ],
  [
    "a misspelt scope, in Rego",
    { "d.rego": regoRule("d", "alert contains {} if true", ", scope: {container: {nam: web}}") },
    "d.rego:3",
    "scope.container.nam: unknown key; did you mean name?",
  ],
  ["an empty scope", { "r.yaml": yamlRule("a", "true", "scope: {}\n") }, "r.yaml:6", "scope: "],
  ["an id twice", { "a.yaml": GOOD, "b.yaml": GOOD }, "b.yaml:1", 'rule "good" is defined already in'],
  [
    "an exception of no rule",
    { "a.yaml": GOOD, "exceptions/x.yaml": "- {rule: goood, name: n, when: 'true'}" },
    "exceptions/x.yaml:1",
    'no rule "goood": did you mean "good"',
  ],
  [
    "an exception twice",
    {
      "a.yaml": yamlRule("a", "true", "exceptions: [{name: n, when: 'true'}]\n"),
      "exceptions/x.yaml": "- {rule: a, name: n, when: 'true'}",
    },
    "exceptions/x.yaml:1",
    'has an exception "n" already',
  ],
  ["a list that is none", { "lists/x.yaml": "just a text" }, "lists/x.yaml:1", 'is "just a text"', /sequence/],
  [
    "a list of two forms",
    { "a/lists/x.yaml": "[a]", "b/lists/x.yaml": "{a: 1}" },
    "b/lists/x.yaml:1",
    "is a mapping here, but a sequence",
  ],
  [
    "Rego without METADATA",
    { "d.rego": "package detections.d\n\nalert contains {} if true\n" },
    "d.rego:1",
    "has no METADATA",
  ],
  [
    "Rego with a wrong key",
    { "d.rego": regoRule("d", "alert contains {} if true", ", sevrity: low") },
    "d.rego:3",
    'no key "sevrity": did you mean "severity"',
  ],
  ["Rego without alert", { "d.rego": regoRule("d", "alarm contains {} if true") }, "d.rego:4", 'has no rule "alert"'],
  ["Rego that does not parse", { "d.rego": regoRule("d", "alert contains {} if {") }, "d.rego:7", /./],
  [
    "Rego with an unknown field",
    { "d.rego": regoRule("d", 'alert contains {} if input.process.binari == "x"') },
    "d.rego:6",
    'no field input.process.binari: did you mean "binary"',
  ],
  [
    "a builtin that the engine lacks",
    {
      "d.rego": regoRule(
        "d",
        'alert contains {} if http.send({"method": "get", "url": "http://x"}).status_code == 200',
      ),
    },
    "d.rego:6",
    "http.send is a builtin that the engine lacks",
  ],
  ["the engine's own package", { "d.rego": "package reeve.x\n" }, "d.rego:1", "package reeve.x is the engine's own"],
  [
    "an enforcement package without kinds",
    { "e.rego": "# METADATA\n# title: E\npackage enforcement.e\n\ndecision contains {} if true\n" },
    "e.rego:2",
    "custom.on is missing",
    /alert/,
  ],
];

test.each(ERRORS)("%s", async (_, files, at, message, allowed) => {
  const { errors } = await problemsOf(files);
  const found = errors.find(
    (error) =>
      `${error.file}:${error.line}` === at &&
      (message instanceof RegExp ? message.test(error.message) : error.message.includes(message)),
  );
  if (found === undefined) throw new Error(`not said: ${JSON.stringify(errors, null, 1)}`);
  if (allowed !== undefined) expect(found.allowed).toMatch(allowed);
});

test("all that is wrong is said at once", async () => {
  const { errors } = await problemsOf({
    "a.yaml": yamlRule("a", "process.nothing = 1", "tags: [T1]\n"),
    "b.yaml": "id: B!\non: [nothing]\nwhen: (\nseverity: bad\n",
    "c.rego": regoRule("c", "alert contains {} if input.process.nothing"),
    "lists/x.yaml": "",
  });
  expect(new Set(errors.map((error) => error.file))).toEqual(new Set(["a.yaml", "b.yaml", "c.rego", "lists/x.yaml"]));
  expect(errors.filter((error) => error.file === "b.yaml")).toHaveLength(4);
});

describe("warnings of what goes silently wrong where a field is missing", () => {
  const WARNED: [string, string | RegExp][] = [
    ['process.pod.namespace != "kube-system"', 'process.pod.namespace may be missing, and "!=" is false then'],
    ['$not(process.container.name = "x")', "process.container.name may be missing, and this is true then"],
    ['$not($contains(process.container.name, "x"))', "$not of a missing value is missing, not true"],
    ["$not(process.container.labels.privileged)", "may be missing"],
    ["$not($match(process.binary, /x/))", "this is never true"],
    ["$not(process.script)", "may be missing"],
    ['process.uid = 0 and ($x := 1; $not(parent.binary = "y"))', "parent.binary may be missing"],
  ];
  test.each(WARNED)("%s", async (when, message) => {
    const { errors, warnings } = await problemsOf({ "r.yaml": yamlRule("a", `'${when}'`) });
    if (when.includes("process.script")) return expect(errors).toEqual([]); // null, and $not(null) is true
    expect(errors).toEqual([]);
    expect(warnings.map((warning) => warning.message).join("\n")).toContain(message);
    expect(warnings[0]).toMatchObject({ file: "r.yaml", line: 3, rule: "a" });
  });

  const SOUND = [
    'process.binary != "/x"',
    '$not(process.binary = "/x")',
    '$not((process.container.name = "x") = true)',
    '$not($startsWith(process.container.name, "x"))',
    "$not($exists(process.pod.name))",
    'process.container.name = "x" or process.uid = 0',
    '$count(process.stdio[type = "socket"]) > 0',
    '$filter(process.stdio, function($s) { $s.type = "tty" })',
    "process.binary in $lists.shells",
    "process.container.labels.anything = 'x'".replaceAll("'", '"'),
  ];
  test.each(SOUND)("nothing of %s", async (when) => {
    expect(await problemsOf({ "r.yaml": yamlRule("a", `'${when}'`) })).toEqual({ errors: [], warnings: [] });
  });
});
