import { describe, expect, test } from "vitest";
import { explain } from "../../rules/explain/explain.ts";
import { exec, problemsOf, rulesDir } from "./helpers.ts";

const HEAD = "on: [process_exec]\nseverity: low\n";
const nothing = () => Promise.resolve([]);

describe("explain", () => {
  test("says by what a rule is found, where it can be, and what retained events say", async () => {
    using rules = rulesDir({
      "a.yaml": `id: a\n${HEAD}when: process.binary = "/bin/x" and $length(process.cwd) > 2\n`,
    });
    const events = [
      exec({ process: { binary: "/bin/x", cwd: "/srv" } }),
      exec({ process: { binary: "/bin/x", cwd: "/" } }, 2),
      exec({}, 3),
    ];
    const report = await explain({ dirs: [rules.dir], shipped: false }, "a", () => Promise.resolve(events));
    expect(report).toMatchObject({ id: "a", language: "jsonata", refused: false, unindexed: false });
    expect(report.notPushed).toEqual([
      expect.stringMatching(/^\$length of these arguments is not understood, near ".*\$length\(/),
    ]);
    const [kind] = report.kinds;
    expect(kind).toMatchObject({
      kind: "process_exec",
      cover: 'process.binary in "/bin/x"',
      tiers: {
        kernel: { holds: false, text: expect.stringContaining("reaches every agent") },
        agent: { holds: true, text: "the whole formula" },
        engine: { holds: true },
      },
      sampled: { events: 3, found: 2, evaluated: 2, hits: 1 },
    });
    expect(kind!.us).toBeGreaterThan(0);
  });

  test("of Rego as well", async () => {
    const report = await explain({ dirs: [], shipped: true }, "reverse-shell", nothing);
    expect(report.kinds[0]!.cover).toContain('process.stdio.[].type in "socket"');
    expect(report.kinds[0]!.tiers.agent.text).toContain('process.stdio.[].type in "socket"');
    expect(report.evaluator).toBe("opa-wasm");
  });

  test("of files: what the kernel holds, what only the engine does", async () => {
    const when = '$startsWith(file.path, "/etc/") and $contains(file.path, "shadow") and process.uid = 0';
    using rules = rulesDir({ "a.yaml": `id: a\non: [file_open]\nseverity: low\nwhen: ${when}\n` });
    const report = await explain({ dirs: [rules.dir], shipped: false }, "a", nothing);
    expect(report.kinds[0]!.tiers).toMatchObject({
      kernel: { holds: true, text: expect.stringMatching(/^file\.path prefix "\/etc\/" \(without: .*contains/) },
      agent: { holds: true, text: "process.uid in 0 (without: file.path)" },
      engine: { holds: true },
    });
  });

  test("of a rule that the build refuses", async () => {
    using rules = rulesDir({ "a.yaml": `id: a\n${HEAD}when: $length(process.cwd) > 2\n` });
    const report = await explain({ dirs: [rules.dir], shipped: false }, "a", nothing);
    expect(report).toMatchObject({ refused: true, kinds: [{ cover: null, guess: null, us: null }] });
  });

  test("a rule that is not there", async () => {
    await expect(explain({ dirs: [], shipped: true }, "exec-from-tm", nothing)).rejects.toThrow(
      'did you mean "exec-from-tmp"',
    );
  });
});

describe("a rule that nothing can be indexed of", () => {
  const when = "when: process.uid != 0\n";

  test("is refused with the reason", async () => {
    const { errors } = await problemsOf({ "a.yaml": `id: a\n${HEAD}when: $length(process.cwd) > 2\n` });
    expect(errors).toEqual([
      expect.objectContaining({
        ...{ file: "a.yaml", rule: "a" },
        message: expect.stringMatching(
          /nothing in it says which process_exec events it is about.*\$length of these/,
        ) as string,
        allowed: expect.stringContaining("unindexed: true") as string,
      }),
    ]);
  });

  test("is taken when it says so", async () => {
    expect((await problemsOf({ "a.yaml": `id: a\n${HEAD}${when}unindexed: true\n` })).errors).toEqual([]);
  });

  test("is taken where events are few", async () => {
    expect((await problemsOf({ "a.yaml": "id: a\non: [denial]\nseverity: low\nwhen: count > 1\n" })).errors).toEqual(
      [],
    );
  });

  test("is refused in Rego as well", async () => {
    const rego = (more: string): string =>
      `# METADATA\n# title: A\n# custom: {id: a, on: [process_exec], severity: low${more}}\npackage detections.a\n\nalert contains {} if count(input.process.cwd) > 2\n`;
    expect((await problemsOf({ "a.rego": rego("") })).errors[0]!.message).toContain("nothing in it says");
    expect((await problemsOf({ "a.rego": rego(", unindexed: true") })).errors).toEqual([]);
  });
});
