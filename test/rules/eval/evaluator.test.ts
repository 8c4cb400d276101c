import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { Evaluator } from "../../../rules/eval/evaluator.ts";
import type { EvaluatorOptions, RuleFailure } from "../../../rules/eval/evaluator.ts";
import { evaluateMessage } from "../../../rules/eval/message.ts";
import { Strikes } from "../../../rules/eval/strikes.ts";
import { Tally } from "../../../rules/eval/tally.ts";
import { build, exec, lines, regoRule, yamlRule } from "../helpers.ts";

const ORIGIN = { kind: "process_exec", node: "web-1" };

async function evaluatorOf(files: Record<string, string>, options: Partial<EvaluatorOptions> = {}) {
  const { set } = await build(files);
  const failures: RuleFailure[] = [];
  const tally = new Tally(set.rules.length + set.policies.length);
  const evaluator = new Evaluator(set, {
    ...{ config: { enforce: false }, memoryMb: 64, tally, onError: (failure: RuleFailure) => failures.push(failure) },
    ...options,
  });
  const counts = (id: string) => tally.read([...set.rules, ...set.policies].findIndex((unit) => unit.id === id));
  return { evaluator, failures, counts, set };
}

describe("findings", () => {
  test("a rule or policy with a scope looks at nothing else", async () => {
    const scope = "scope: {service: web, container: {labels: {tier: front}}}";
    const { evaluator, counts } = await evaluatorOf({
      "a.yaml": yamlRule("a", "process.uid = 7", `${scope}\n`),
      "b.rego": regoRule("b", 'alert contains {"message": "m"} if input.process.uid == 7', `, ${scope}`),
      "c.rego": regoRule("c", 'alert contains {"message": "m"} if input.process.uid == 7'),
      "d.rego": `# METADATA\n# custom: {on: [process_exec], ${scope}}\npackage enforcement.d\n\ndecision contains {"action": "deny", "hook": "process_exec"} if input.process.uid == 7\n`,
    });
    const web = exec({ process: { uid: 7, container: { service: "web", labels: { tier: "front" } } } });
    const db = exec({ process: { uid: 7, container: { service: "db", labels: { tier: "front" } } } }, 2);
    for (const alone of [false, true]) {
      const of = async (event: typeof web) => {
        const { findings, decisions } = await evaluator.evaluate(event, Buffer.from(JSON.stringify(event)), alone);
        return [...findings.map(({ alert }) => alert.rule), ...decisions.map(({ policy }) => policy)];
      };
      expect(await of(web)).toEqual(["a", "b", "c", "enforcement/d"]);
      expect(await of(db)).toEqual(["c"]);
    }
    expect(counts("a")).toMatchObject({ hits: 2 });
  });

  test("JSONata and Rego, exceptions, messages", async () => {
    const { evaluator } = await evaluatorOf({
      "a.yaml": yamlRule("a", "process.uid = 7", "exceptions: [{name: n, when: process.pid = 9}]\n"),
      "b.rego": regoRule(
        "b",
        'alert contains {"message": m, "tags": ["x"]} if { input.process.uid == 7; some m in ["two", "one"] }',
      ),
      "exceptions/b.yaml": "- {rule: b, name: n, when: process.pid = 9}\n",
    });
    const result = await evaluateMessage(
      evaluator,
      lines(exec({ process: { uid: 7 } }), exec({ process: { uid: 7, pid: 9 } }, 2), exec()),
      ORIGIN,
    );
    expect(result.findings.map(({ alert }) => [alert.rule, alert.message, alert.tags])).toEqual([
      ["a", "/usr/bin/true ran", []],
      ["b", "two; one", ["x"]],
    ]);
  });

  test("the same rule and event have the same id, each time", async () => {
    const { evaluator } = await evaluatorOf({ "a.yaml": yamlRule("a", "true") });
    const ids = new Set<string>();
    for (let n = 0; n < 2; n++)
      ids.add((await evaluateMessage(evaluator, lines(exec()), ORIGIN)).findings[0]!.alert.id);
    expect(ids.size).toBe(1);
  });
});

describe("a rule that fails", () => {
  const FAILING = {
    "bad.yaml": yamlRule("bad", "process.uid + process.binary > 1"),
    "conflict.rego": regoRule(
      "conflict",
      "one := 1 if input.process.uid > 0\n\none := 2 if input.process.pid > 0\n\nalert contains {} if one > 0",
    ),
    "shape.rego": regoRule("shape", 'alert contains "text" if input.process.uid > 0'),
    "good.rego": regoRule("good", "alert contains {} if input.process.uid > 0"),
  };

  test("is counted and named with its file; the others go on", async () => {
    const { evaluator, failures, counts } = await evaluatorOf(FAILING);
    const { findings } = await evaluator.evaluate(exec(), lines(exec()));
    expect(findings.map(({ alert }) => alert.rule)).toEqual(["good"]);
    expect(failures.map((failure) => failure.id).sort()).toEqual(["bad", "conflict", "shape"]);
    expect(failures.find((failure) => failure.id === "conflict")!.where).toMatch(/conflict\.rego:\d+$/);
    expect(failures.find((failure) => failure.id === "bad")!.where).toMatch(/bad\.yaml:1$/);
    expect(counts("bad")).toMatchObject({ evaluations: 1, errors: 1, hits: 0 });
    expect(counts("good")).toMatchObject({ evaluations: 1, errors: 0, hits: 1 });
  });
});

test("a rule that needs more memory than it may have fails; the next event is evaluated", async () => {
  const { evaluator, failures } = await evaluatorOf(
    {
      "big.rego": regoRule(
        "big",
        "alert contains {} if { input.process.uid == 7; count([[x, y] | some x in numbers.range(1, 3000); some y in numbers.range(1, 3000)]) > 0 }\n\nalert contains {} if input.process.uid == 8",
      ),
    },
    { memoryMb: 16 },
  );
  expect((await evaluator.evaluate(exec(), lines(exec({ process: { uid: 7 } })))).findings).toEqual([]);
  expect(failures[0]).toMatchObject({ id: "big", reason: "needs more than 16 MiB of memory" });
  const next = exec({ process: { uid: 8 } });
  expect((await evaluator.evaluate(next, lines(next))).findings).toHaveLength(1);
});

test("a policy that runs out of memory twice is disabled; the alerts are still found", async () => {
  const disabled: string[] = [];
  const { evaluator, failures } = await evaluatorOf(
    {
      "a.yaml": yamlRule("a", "true"),
      "b.yaml": yamlRule("b", "true"),
      "c.yaml": yamlRule("c", "true"),
      "p.rego":
        '# METADATA\n# title: P\n# custom: {on: [alert]}\npackage enforcement.p\n\ndecision contains {"action": "deny", "hook": "process_exec"} if count([[x, y] | some x in numbers.range(1, 3000); some y in numbers.range(1, 3000)]) > 0\n',
    },
    { memoryMb: 16, strikes: new Strikes(4), onDisabled: (id, reason) => disabled.push(`${id} ${reason}`) },
  );
  const { findings, decisions } = await evaluator.evaluate(exec(), lines(exec()));
  expect(findings.map(({ alert }) => alert.rule)).toEqual(["a", "b", "c"]);
  expect(decisions).toEqual([]);
  expect(failures).toHaveLength(2);
  expect(disabled).toEqual(["enforcement/p needs more than 16 MiB of memory"]);
});

test("an error that only speaks of memory is an error like any other", async () => {
  const { evaluator, failures } = await evaluatorOf(
    {
      "memory.rego": regoRule(
        "memory-use",
        "malloc := 1 if input.process.uid > 0\n\nmalloc := 2 if input.process.pid > 0\n\nalert contains {} if malloc > 0",
      ),
    },
    { strikes: new Strikes(1), onDisabled: () => expect.fail("it is not to be disabled") },
  );
  for (let n = 0; n < 3; n++) await evaluator.evaluate(exec(), lines(exec()));
  expect(failures.map(({ reason }) => reason)).toEqual(failures.map(() => "var assignment conflict"));
});

test("a lone surrogate or a zero in a name hides nothing", async () => {
  const { evaluator, failures } = await evaluatorOf({
    "a.rego": regoRule("a", 'alert contains {} if startswith(input.process.binary, "/tmp/")'),
  });
  for (const binary of ["/tmp/\ud800", "/tmp/\u0000x"]) {
    const { findings } = await evaluateMessage(evaluator, lines(exec({ process: { binary } })), ORIGIN);
    expect(findings).toHaveLength(1);
  }
  expect(failures).toEqual([]);
});

describe("events that are none", () => {
  const { kind: _, ...kindless } = exec();
  const REFUSED: [string, string, string][] = [
    ["text", "not json", "not_json"],
    ["array", "[]", "not_event"],
    ["no kind", JSON.stringify(kindless), "kind_mismatch"],
    ["another kind", JSON.stringify({ ...exec(), kind: "gap" }), "kind_mismatch"],
    ["another node", JSON.stringify({ ...exec(), node: "db" }), "node_mismatch"],
    ["an id of another node", JSON.stringify({ ...exec(), id: "db/0/1/process_exec/1" }), "bad_id"],
    ["no time", JSON.stringify({ ...exec(), time: "yesterday" }), "bad_time"],
    ["no process", JSON.stringify({ ...exec(), process: null }), "schema"],
  ];
  test.each(REFUSED)("%s", async (_, line, code) => {
    // the second rule concerns none of these lines: they are not evaluated
    for (const when of ["true", 'process.binary = "/never"']) {
      const { evaluator } = await evaluatorOf({ "a.yaml": yamlRule("a", `'${when}'`) });
      const result = await evaluateMessage(evaluator, lines(line, exec()), ORIGIN);
      expect(result).toMatchObject({ events: 1, unchecked: 0, refused: { [code]: 1 } });
      expect(result.refusal).toMatch(new RegExp(`^${code}: `));
    }
  });

  test("a compressed message is evaluated; one that cannot be read is refused", async () => {
    const { evaluator } = await evaluatorOf({ "a.yaml": yamlRule("a", "true") });
    const packed = gzipSync(lines(exec(), exec({}, 2)));
    expect(await evaluateMessage(evaluator, packed, ORIGIN)).toMatchObject({ events: 2, refused: {} });
    const cut = await evaluateMessage(evaluator, packed.subarray(0, 100), ORIGIN);
    expect(cut).toMatchObject({ events: 0, refused: { not_json: 1 } });
  });

  test("beyond the rate of checks it is told how many were not checked", async () => {
    const { evaluator } = await evaluatorOf({ "a.yaml": yamlRule("a", `'process.binary = "/never"'`) });
    const message = lines(...Array.from({ length: 5000 }, (_, n) => exec({}, n)));
    const { events, unchecked } = await evaluateMessage(evaluator, message, ORIGIN);
    expect(events).toBe(5000);
    expect(unchecked).toBeGreaterThan(2000);
    expect(unchecked).toBeLessThanOrEqual(3000);
  });
});

describe("decisions", () => {
  const policy = (body: string): string =>
    `# METADATA\n# title: P\n# custom: {on: [alert]}\npackage enforcement.p\n\ndecision contains ${body} if input.severity == "high"\n`;

  test("over alerts, with a default lease and why", async () => {
    const { evaluator, set } = await evaluatorOf({
      "a.yaml": yamlRule("a", "true"),
      "p.rego": policy('{"action": "deny", "hook": "process_exec", "scope": {"tree": input.event.process.exec_id}}'),
    });
    const { decisions, findings } = await evaluator.evaluate(exec(), lines(exec()));
    expect(decisions).toHaveLength(1);
    expect(decisions[0]!.decision).toEqual({
      ...{ action: "deny", hook: "process_exec", ttl: "10m", mode: "monitor", scope: { tree: exec().process.exec_id } },
      because: { policy: "enforcement/p", ruleset: set.digest, alert: findings[0]!.alert.id, event: exec().id },
    });
  });

  test.each([
    ['{"action": "post", "hook": "process_exec"}', "action is"],
    ['{"action": "deny", "hook": "process_exek"}', 'did you mean "process_exec"'],
    ['{"action": "deny", "hook": "process_exec", "tll": "1m"}', 'no "tll": did you mean "ttl"'],
    ['{"action": "deny", "hook": "process_exec", "ttl": "0s"}', "ttl is"],
    ['{"action": "deny", "hook": "process_exec", "ttl": "1d"}', "ttl is"], // the controller knows no days
    [
      '{"action": "deny", "hook": "process_exec", "match": [{"field": "process.bin", "op": "in", "values": []}]}',
      "did you mean",
    ],
  ])("%s is refused", async (body, reason) => {
    const { evaluator, failures } = await evaluatorOf({ "a.yaml": yamlRule("a", "true"), "p.rego": policy(body) });
    expect((await evaluator.evaluate(exec(), lines(exec()))).decisions).toEqual([]);
    expect(failures[0]).toMatchObject({ id: "enforcement/p", reason: expect.stringContaining(reason) as string });
  });
});
