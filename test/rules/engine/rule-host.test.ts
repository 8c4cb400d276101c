import { afterEach, describe, expect, test } from "vitest";
import { RuleHost } from "../../../rules/engine/rule-host.ts";
import type { HostOptions } from "../../../rules/engine/rule-host.ts";
import { build, exec, lines, regoRule, yamlRule } from "../helpers.ts";

const ORIGIN = { kind: "process_exec", node: "web-1" };
const LOOP = '($f := function($n) { $f($n + 1) }; process.binary = "/loop" ? $f(1) : process.binary = "/hit")';

let host: RuleHost | undefined;
afterEach(() => host?.close());

async function start(files: Record<string, string>, options: Partial<HostOptions> = {}): Promise<RuleHost> {
  const { bytes } = await build(files);
  host = await RuleHost.start(bytes, { config: { enforce: false }, memoryMb: 128, watchdogMs: 150, ...options });
  return host;
}

test("a JSONata rule that loops is stopped and disabled; what was in flight is evaluated by the others", async () => {
  const disabled: string[] = [];
  const host = await start(
    { "loop.yaml": yamlRule("loop", `'${LOOP}'`), "good.yaml": yamlRule("good", "true") },
    { onDisabled: (id, reason) => disabled.push(`${id} ${reason}`) },
  );
  const results = await Promise.all(
    ["/hit", "/loop", "/a", "/b"].map((binary, n) =>
      host.evaluate(ORIGIN, lines(exec({ process: { binary } }, n + 1))),
    ),
  );
  expect(results.map(({ findings }) => findings.map(({ alert }) => alert.rule))).toEqual([
    ["good", "loop"],
    ["good"],
    ["good"],
    ["good"],
  ]);
  expect(disabled).toEqual(["loop did not come to an end within 150 ms"]);
  expect(host.disabled.has("loop")).toBe(true);
  expect(host.counts().find(({ id }) => id === "good")!.counts.hits).toBeGreaterThanOrEqual(4);
});

test("of the Rego rules of a kind, the one that takes too long is found", async () => {
  // Work that needs hardly any memory: else that may end before its time does.
  const slow = `alert contains {} if {
	input.process.uid == 7
	long := concat("", ["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" | some _ in numbers.range(1, 20000)])
	some _ in numbers.range(1, 100000)
	contains(long, "aaaaaaaaaaaaaaaaaaab")
}`;
  const host = await start({
    "slow.rego": regoRule("slow", slow),
    "good.rego": regoRule("good", "alert contains {} if input.process.uid == 7"),
  });
  await host.evaluate(ORIGIN, lines(exec())); // the first is a sample, taken rule by rule
  const { findings } = await host.evaluate(ORIGIN, lines(exec({ process: { uid: 7 } }, 2)));
  expect(findings.map(({ alert }) => alert.rule)).toEqual(["good"]);
  expect([...host.disabled.keys()]).toEqual(["slow"]);
});

test("a rule that takes all the memory of the thread is disabled", async () => {
  const eat =
    '( $f := function($l, $n) { $n = 0 ? $l : $f($append($l, [1..500000]), $n - 1) }; process.binary = "/eat" and $count($f([], 400)) > 0 )';
  const host = await start(
    { "eat.yaml": yamlRule("eat", `'${eat}'`), "good.yaml": yamlRule("good", "true") },
    { watchdogMs: 20_000, memoryMb: 64 },
  );
  const { findings } = await host.evaluate(ORIGIN, lines(exec({ process: { binary: "/eat" } })));
  expect(findings.map(({ alert }) => alert.rule)).toEqual(["good"]);
  expect([...host.disabled.keys()]).toEqual(["eat"]);
});

describe("Rego that loops and takes memory", () => {
  const eats = (when: string): string =>
    `alert contains {} if { ${when}; count([[x, y] | some x in numbers.range(1, 3000); some y in numbers.range(1, 3000)]) > 0 }`;

  test("is stopped by its memory before its time, twice, and is then disabled; the others go on", async () => {
    const disabled: string[] = [];
    const restarts: string[] = [];
    const host = await start(
      {
        "eats.rego": regoRule("eats", eats("input.process.uid == 7")),
        "good.rego": regoRule("good", "alert contains {} if input.process.uid == 7"),
      },
      {
        ...{ memoryMb: 32, watchdogMs: 20_000 },
        onDisabled: (id, reason, cause) => disabled.push(`${id} ${reason} on ${cause?.node}`),
        onRestart: (reason) => restarts.push(reason),
      },
    );
    const found = async (): Promise<string[]> => {
      const { findings } = await host.evaluate(ORIGIN, lines(exec({ process: { uid: 7 } })));
      return findings.map(({ alert }) => alert.rule);
    };
    expect(await found()).toEqual(["good"]);
    expect(disabled).toEqual([]);
    // Many are in flight: the thread itself must leave the rule out, not wait to be told.
    const all = await Promise.all(Array.from({ length: 20 }, found));
    expect(all).toEqual(all.map(() => ["good"]));
    expect(disabled).toEqual(["eats needs more than 32 MiB of memory on web-1"]);
    expect([...host.disabled.keys()]).toEqual(["eats"]);
    const { evaluations, errors } = host.counts().find(({ id }) => id === "eats")!.counts;
    expect([evaluations, errors]).toEqual([2, 2]);
    expect(restarts).toEqual([]);
  });

  test("is struck also when the watchdog stops it in between", async () => {
    const disabled: string[] = [];
    const host = await start(
      { "eats.rego": regoRule("eats", eats("input.process.uid == 7")), "good.yaml": yamlRule("good", "true") },
      { memoryMb: 2048, watchdogMs: 100, onDisabled: (id) => disabled.push(id) },
    );
    const { findings } = await host.evaluate(ORIGIN, lines(exec({ process: { uid: 7 } })));
    expect(findings.map(({ alert }) => alert.rule)).toEqual(["good"]);
    expect(disabled).toEqual(["eats"]);
  });
});

test("a set that cannot be loaded says so at once", async () => {
  await expect(
    RuleHost.start(Buffer.from("{}"), { config: { enforce: false }, memoryMb: 64, watchdogMs: 100 }),
  ).rejects.toMatchObject({ code: "bundle" });
});
