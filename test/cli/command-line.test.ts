import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { commandName } from "../../cli/command-name.ts";
import { EXIT } from "../../cli/exit.ts";
import { buildProgram } from "../../cli/program.ts";

const repo = join(import.meta.dirname, "../..");
const dir = mkdtempSync(join(tmpdir(), "reeve-cli-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function reeve(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return run(join(repo, "bin/reeve"), args);
}

/** Runs in a directory and with a run directory where nothing is. */
function run(file: string, args: string[], input = ""): { status: number | null; stdout: string; stderr: string } {
  const env = { PATH: process.env["PATH"], REEVE_RUN_DIR: join(dir, "run"), REEVE_DATA_DIR: join(dir, "data") };
  return spawnSync(file, args, { encoding: "utf8", cwd: dir, env, input });
}

function verbs(): string[] {
  const names: string[] = [];
  for (const command of buildProgram(() => {}).commands) {
    names.push(command.name(), ...command.commands.map((inner) => `${command.name()} ${inner.name()}`));
  }
  return names;
}

describe("the command line", () => {
  it("has the verbs that it documents", () => {
    expect(verbs()).toEqual([
      ...["up", "doctor", "events", "alerts", "denials", "why", "status", "disarm", "arm"],
      ...["selectors", "selectors add", "selectors list", "selectors delete"],
      ...["rules", "rules check", "rules build", "rules test", "rules list", "rules explain"],
      ...["rules push", "rules history", "rules rollback", "config"],
      ...["run", "run agent", "run engine", "run controller", "run prepare", "run provision"],
    ]);
  });

  it.each(verbs().filter((verb) => !["selectors", "rules", "run"].includes(verb)))(
    "explains %s with an example",
    (verb) => {
      const { status, stdout, stderr } = reeve(...verb.split(" "), "--help");
      expect([status, stderr]).toEqual([EXIT.ok, ""]);
      expect(stdout).toMatch(new RegExp(`^Usage: reeve ${verb}`));
      expect(stdout).toMatch(/Examples:\n {2}\S/);
      expect(stdout).toContain("Exit codes: 0 ok");
    },
  );

  it.each([
    [["evnts"], "reeve: unknown command 'evnts'\n(Did you mean events?)"],
    [["events", "--bniary", "x"], "reeve: unknown option '--bniary'\n(Did you mean --binary?)"],
    [["events", "-o", "xml"], "Allowed choices are compact, json, yaml."],
    [["events", "--since", "yesterday"], "it is a duration like 10m, or a time like 2026-01-31T10:00:00Z."],
    [["events", "--pid", "0"], "it is a whole number from 1 on."],
    [["why"], "reeve: missing required argument 'id'"],
    [["rules", "build"], "reeve: required option '--out <file>' not specified"],
    [["rules", "chekc"], "(Did you mean check?)"],
  ])("refuses %j", (args, message) => {
    const { status, stdout, stderr } = reeve(...args);
    expect(stderr).toContain(message);
    expect(stderr).toMatch(/--help shows what is allowed/);
    expect([status, stdout]).toEqual([EXIT.usage, ""]);
  });

  it("says each problem of the configuration in a line, and nothing of stacks", () => {
    writeFileSync(join(dir, "bad.yaml"), "bus:\n  prot: 1\nenforce: maybe\n");
    const { status, stderr } = reeve("config", "--config", join(dir, "bad.yaml"));
    expect(status).toBe(EXIT.usage);
    expect(stderr).toMatch(
      /^reeve: \S*bad\.yaml:2.*prot.*did you mean.*port.*\n {7}\S*bad\.yaml:3:10: enforce: .*allowed/,
    );
    expect(stderr).not.toMatch(/ at .*\.ts:/);
  });

  it.each([[["status"]], [["events"]], [["alerts"]], [["why", "x"]], [["selectors", "list"]]])(
    "exits with 3 where there is no bus: %j",
    (args) => {
      const { status, stdout, stderr } = reeve(...args);
      expect([status, stdout]).toEqual([EXIT.unreachable, ""]);
      expect(stderr).toMatch(/^reeve: .*bus\.json is not there.*\n/);
    },
  );

  it("exits with 3 where the agent to disarm does not run", () => {
    const { status, stderr } = reeve("disarm", "--local");
    expect(status).toBe(EXIT.unreachable);
    expect(stderr).toContain("no agent runs here");
  });

  it.each([
    ["", "holds no selector"],
    ["{a: [", "line 1: "],
    ["- just text", 'selector 1 is "just text"'],
  ])("refuses selectors %j by line", (text, message) => {
    const { status, stderr } = run(join(repo, "bin/reeve"), ["selectors", "add", "-"], text);
    expect(status).toBe(EXIT.usage);
    expect(stderr).toContain(`standard input: ${message}`);
  });

  it("prints every setting with where it came from", () => {
    const { status, stdout } = reeve("config", "-o", "json", "--bus-port", "4300");
    const { settings } = JSON.parse(stdout) as { settings: { name: string; value: unknown; source: string }[] };
    const by = new Map(settings.map((setting) => [setting.name, setting]));
    expect(status).toBe(EXIT.ok);
    expect(by.get("bus.port")).toMatchObject({ value: 4300, source: "--bus-port" });
    expect(by.get("run_dir")).toMatchObject({ value: join(dir, "run"), source: "REEVE_RUN_DIR" });
    expect(by.get("engine.watchdog_ms")).toMatchObject({ value: 1000, source: "default" });
  });

  it("prints a reeve.yaml that says the same", () => {
    const yaml = reeve("config", "-o", "yaml", "--bus-port", "4300").stdout;
    writeFileSync(join(dir, "same.yaml"), yaml);
    expect(reeve("config", "-o", "yaml", "--config", join(dir, "same.yaml")).stdout).toBe(yaml);
  });

  it.runIf(process.getuid?.() === 0)("makes nothing on this host when reeve up names rules that are not there", () => {
    const { status, stderr } = reeve("up", "--rules", "/no/such/rules");
    expect([status, stderr]).toEqual([
      EXIT.usage,
      "reeve: rules directory /no/such/rules is not there\n       make it, or name another with --rules DIR\n",
    ]);
    expect([existsSync(join(dir, "run")), existsSync(join(dir, "data"))]).toEqual([false, false]);
  });

  it("says what to type for it, from where one stands", () => {
    const bin = join(dir, "bin");
    mkdirSync(bin);
    const elsewhere = { PATH: `/usr/bin:${bin}` };
    expect(commandName(elsewhere, repo, repo)).toBe("bin/reeve");
    expect(commandName(elsewhere, join(repo, "docs"), repo)).toBe("../bin/reeve");
    expect(commandName(elsewhere, join(repo, "bin"), repo)).toBe("./reeve");
    expect(commandName(elsewhere, "/usr/lib/x86_64-linux-gnu/security", repo)).toBe(join(repo, "bin/reeve"));
    symlinkSync("/bin/true", join(bin, "reeve"));
    expect(commandName(elsewhere, repo, repo)).toBe("bin/reeve");
    rmSync(join(bin, "reeve"));
    symlinkSync(join(repo, "bin/reeve"), join(bin, "reeve"));
    expect(commandName(elsewhere, repo, repo)).toBe("reeve");
    expect(run("sh", ["-c", "cd / && exec $0 status", join(repo, "bin/reeve")]).stderr).toContain(
      `sudo ${commandName({}, "/", repo)} up`,
    );
  });

  it("runs through links to it", () => {
    symlinkSync(join(repo, "bin/reeve"), join(dir, "one"));
    symlinkSync("one", join(dir, "two"));
    expect(run(join(dir, "two"), ["--version"]).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it("ends quietly when its reader goes away", () => {
    const { stderr, stdout } = run("sh", ["-c", `"${join(repo, "bin/reeve")}" up --help | head -n 1; exec 2>&1`]);
    expect([stdout, stderr]).toEqual(["Usage: reeve up [options]\n", ""]);
  });
});
