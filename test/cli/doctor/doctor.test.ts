import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { NodeStatus } from "../../../bus/types/status.ts";
import { namedBy, cgroupCheck } from "../../../cli/doctor/cgroups.ts";
import { wouldRun } from "../../../cli/doctor/check.ts";
import type { Check } from "../../../cli/doctor/check.ts";
import { connectCgroupCheck } from "../../../cli/doctor/connect-cgroup.ts";
import { hookChecks } from "../../../cli/doctor/examine.ts";
import { capabilities, kernelVersion } from "../../../cli/doctor/kernel.ts";
import { doctorText } from "../../../cli/doctor/report.ts";
import { fileLimit } from "../../../cli/doctor/tools.ts";
import { plainPaint } from "../../../cli/output/paint.ts";

const repo = join(import.meta.dirname, "../../..");
const id = "3f".repeat(32);

describe("doctor's looks", () => {
  it.each([
    ["6.18.44-fc", "ok"],
    ["5.8.0", "ok"],
    ["5.7.19", "missing"],
    ["4.19.0", "missing"],
    ["strange", "missing"],
  ])("takes Linux %s as %s", (release, state) => expect(kernelVersion(release, "x64").state).toBe(state));

  it.each([
    [`0::/docker/${id}\n`, "v2"],
    [`5:memory:/docker/${id}\n0::/\n`, "v1"],
    [`5:memory:/docker/${id}\n0::/docker/${id}\n`, "v2"],
    ["0::/user.slice\n", undefined],
  ])("sees which hierarchy names the container in %j", (text, which) => expect(namedBy(text)).toBe(which));

  it("says what to do where v2 is not there, or names nothing", () => {
    const facts = { v2: "/sys/fs/cgroup/unified", v1: ["memory"], namedByV2: 0, namedByV1Only: 2 };
    expect(cgroupCheck({ ...facts, v2: undefined })).toMatchObject({ state: "missing", required: true });
    expect(cgroupCheck(facts)).toMatchObject({ state: "missing", required: false });
    expect(cgroupCheck({ ...facts, namedByV1Only: 0 }).detail).toContain("v2 and v1 side by side (v1: memory)");
  });

  it("reads capabilities and limits", () => {
    expect(capabilities("CapEff:\t000001fffeffffff\n").state).toBe("ok");
    expect(capabilities("CapEff:\t0000000000000000\n").detail).toContain("without CAP_BPF");
    expect(fileLimit("Max open files            256                  4096                 files\n").state).toBe(
      "missing",
    );
    expect(fileLimit("Max open files            unlimited            unlimited            files\n").state).toBe("ok");
  });

  it("checks agent.cgroup where it is set", () => {
    const root = mkdtempSync(join(tmpdir(), "reeve-doctor-"));
    try {
      mkdirSync(join(root, "web"));
      expect(connectCgroupCheck(root, "")).toEqual([]);
      expect(connectCgroupCheck(root, "/web")).toMatchObject([{ state: "ok" }]);
      expect(connectCgroupCheck(root, join(root, "web"))).toMatchObject([{ state: "ok" }]);
      const [wrong] = connectCgroupCheck(root, "/wbe");
      expect(wrong).toMatchObject({ state: "missing", required: true });
      expect(wrong?.detail).toContain('agent.cgroup: there is no cgroup "/wbe"');
    } finally {
      rmSync(root, { recursive: true });
    }
  });

  it("says what the agent that runs could not attach, with its reason", () => {
    const hooks: NodeStatus["hooks"] = [
      { hook: "process_exec", rung: "tp_btf", attached: true, can_deny: true },
      { hook: "network_connect", rung: "cgroup", attached: false, can_deny: false, detail: "refused: EPERM" },
    ];
    const nodes = [{ node: "a", state: "running", hooks }] as unknown as NodeStatus[];
    expect(hookChecks(nodes, "b")).toEqual([]);
    expect(hookChecks(nodes, "a")).toMatchObject([
      { name: "network_connect now", state: "missing", detail: "the agent that runs: not attached: refused: EPERM" },
    ]);
  });

  it("counts what it could not look at as a no, and what is not required as nothing", () => {
    const check = (state: Check["state"], required: boolean): Check => ({ name: "x", state, required, detail: "d" });
    expect(wouldRun([check("ok", true), check("missing", false)])).toBe(true);
    expect(wouldRun([check("unknown", true)])).toBe(false);
    expect(doctorText([{ ...check("missing", true), help: "do this" }], plainPaint)).toBe(
      "missing  x  d\n            -> do this\n\nreeve up would not do its job here: x",
    );
  });
});

describe("reeve doctor", () => {
  function doctor(
    command: string,
    args: string[],
  ): { status: number | null; report: { ok: boolean; checks: Check[] } } {
    const main = [join(repo, "bin/reeve"), "doctor", "-o", "json", "--instance", `test-doctor-${process.pid}`];
    // npm says where it was called, which need not be this tree
    const env = { ...process.env, INIT_CWD: process.cwd() };
    const { status, stdout } = spawnSync(command, [...args, ...main], { encoding: "utf8", env });
    return { status, report: JSON.parse(stdout) as { ok: boolean; checks: Check[] } };
  }

  it.runIf(process.getuid?.() === 0)("finds this host fit, and says which rungs it has", () => {
    const { status, report } = doctor("env", []);
    const states = new Map(report.checks.map((check) => [check.name, check.state]));
    expect([status, report.ok]).toEqual([0, true]);
    expect(states.get("process_exec by tp_btf")).toBe("ok");
    expect(states.get("network_connect by cgroup")).toBe("ok");
    for (const name of ["kernel", "BTF", "capabilities", "cgroups", "opa", "nats-server"])
      expect(states.get(name)).toBe("ok");
  });

  it.runIf(process.getuid?.() === 0)("works without root as far as it goes, and says what needs root", () => {
    const { status, report } = doctor("setpriv", [
      "--reuid",
      "64999",
      "--regid",
      "64999",
      "--clear-groups",
      "--inh-caps=-all",
    ]);
    const hooks = report.checks.find((check) => check.name === "hooks");
    expect([status, report.ok]).toEqual([1, false]);
    expect(hooks).toMatchObject({ state: "unknown", help: "sudo bin/reeve doctor" });
  });
});
