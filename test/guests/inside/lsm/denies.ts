import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { HOOKS } from "../../../../bus/generated/hooks.ts";
import { selector } from "../../../enforce/host.ts";
import { CONNECTS, OPENS } from "./programs.ts";
import { Rig } from "./rig.ts";

const EPERM = -1;
const HOOK_EXEC = HOOKS.indexOf("process_exec");
const HOOK_CONNECT = HOOKS.indexOf("network_connect");
const HOOK_OPEN = HOOKS.indexOf("file_open");

let rig: Rig;
let scope: { cgroup: string };

/** Tests of a rung that denies before the act, at every hook that has it. */
export function testDenials(rung: "lsm" | "fmod_ret"): void {
  beforeAll(() => {
    rig = new Rig(undefined, [rung]);
    scope = { cgroup: rig.cgroup };
  });
  afterAll(() => rig[Symbol.asyncDispose]());

  it("is taken", () => {
    const rungs = Object.fromEntries(rig.hooks.attached.map((one) => [one.hook, [one.rung, one.canDeny]]));
    expect(rungs).toMatchObject({ process_exec: [rung, true], network_connect: [rung, true] });
  });

  describe("exec", () => {
    testExecs();
  });
  describe("open", () => {
    testOpens(rung);
  });
  describe("connect", () => {
    testConnects();
  });
}

function testExecs(): void {
  it("is denied in the scope: EPERM, the caller goes on, the marker is never written", async () => {
    const touch = rig.copy("/usr/bin/touch", "bin/touch");
    const marker = join(rig.directory, "marker");
    const deny = selector({
      hook: "process_exec",
      scope,
      match: [{ field: "process.binary", op: "prefix", values: [`${rig.directory}/bin/`] }],
    });
    expect(rig.apply([deny]).refused).toEqual([]);
    rig.takeDenials();
    const ran = await rig.run(`${touch} ${marker}; echo $?; echo went on`);
    expect(ran.out).toBe("126\nwent on");
    expect(existsSync(marker)).toBe(false);
    const [denial, ...more] = rig.takeDenials();
    expect(more).toEqual([]);
    expect(denial).toMatchObject({ hook: HOOK_EXEC, selector: deny.selector.id, path: touch, undecided: false });
    expect(denial!.inode).toBe(statSync(touch).ino);
    expect(rig.counters(deny.selector.id)).toMatchObject({ hits: 1, denied: 1, undecided: 0 });

    expect((await rig.run(`${touch} ${marker}`, "/")).code).toBe(0);
    expect(existsSync(marker)).toBe(true);
    expect((await rig.run("/bin/true")).code).toBe(0);
    expect(rig.takeDenials()).toEqual([]);
  });

  it("of a script is asked about its interpreter, not the script", async () => {
    const interpreter = rig.copy("/bin/sh", "shells/sh");
    const script = join(rig.directory, "scripts/run");
    mkdirSync(join(script, ".."));
    writeFileSync(script, `#!${interpreter}\necho ran\n`, { mode: 0o755 });
    const by = (path: string) =>
      selector({ hook: "process_exec", scope, match: [{ field: "process.binary", op: "in", values: [path] }] });
    rig.apply([by(script)]);
    expect((await rig.run(script)).out).toBe("ran");
    rig.apply([by(interpreter)]);
    expect(await rig.run(`${script}; echo $?`)).toMatchObject({ out: "126" });
  });

  it("is only counted in mode monitor, once, and killed by action kill", async () => {
    const match = [{ field: "process.binary", op: "suffix" as const, values: ["/true"] }];
    const watch = selector({ hook: "process_exec", scope, mode: "monitor", match });
    rig.apply([watch]);
    rig.takeDenials();
    expect((await rig.run("/bin/true")).code).toBe(0);
    expect(rig.counters(watch.selector.id)).toMatchObject({ hits: 1, would_deny: 1, denied: 0 });
    expect(rig.takeDenials().length).toBe(1);
    rig.apply([selector({ hook: "process_exec", scope, action: "kill", match })]);
    expect(await rig.run("exec /bin/true")).toMatchObject({ signal: "SIGKILL" });
  });
}

function testOpens(denying: string): void {
  it("is denied in the scope: nothing is read, truncated or created by it", async () => {
    const secret = join(rig.directory, "secret");
    const other = join(rig.directory, "other");
    writeFileSync(secret, "kept");
    writeFileSync(other, "kept");
    const deny = selector({
      hook: "file_open",
      scope,
      match: [{ field: "file.path", op: "in", values: [secret, join(rig.directory, "new")] }],
    });
    expect(rig.hooks.attached.find(({ hook }) => hook === "file_open")).toMatchObject({ attached: false, idle: true });
    expect(rig.apply([deny]).refused).toEqual([]);
    expect(rig.hooks.attached.find(({ hook }) => hook === "file_open")).toMatchObject({
      attached: true,
      rung: denying,
    });
    rig.takeDenials();
    const { truths } = await rig.run(
      `exec ${OPENS} open ${secret} write ${secret} open ${other} create ${rig.directory}/new`,
    );
    expect(truths.map(({ result }) => result)).toEqual([EPERM, EPERM, expect.any(Number), EPERM]);
    expect(truths[2]!.result).toBeGreaterThanOrEqual(0);
    expect(readFileSync(secret, "utf8")).toBe("kept");
    const denials = rig.takeDenials();
    expect(denials.map(({ hook, path }) => [hook, path])).toEqual([
      [HOOK_OPEN, secret],
      [HOOK_OPEN, secret],
      [HOOK_OPEN, join(rig.directory, "new")],
    ]);
    expect(denials[0]!.inode).toBe(statSync(secret).ino);
    expect(rig.counters(deny.selector.id)).toMatchObject({ hits: 3, denied: 3, undecided: 0 });
    // the kernel makes the file before it asks: an empty one is left, with nobody who could write it
    expect(readFileSync(join(rig.directory, "new"), "utf8")).toBe("");

    const outside = await rig.run(`exec ${OPENS} open ${secret} write ${other}`, "/");
    expect(outside.truths.every(({ result }) => result >= 0)).toBe(true);
    expect(rig.takeDenials()).toEqual([]);
  });

  it("is denied by inode, device and flags", async () => {
    const secret = join(rig.directory, "secret");
    const { ino, dev } = statSync(secret);
    const device = `${Math.floor(dev / 256)}:${dev % 256}`;
    const deny = selector({
      hook: "file_open",
      scope,
      match: [
        { field: "file.inode", op: "in", values: [ino] },
        { field: "file.device", op: "in", values: [device] },
        { field: "file.flags", op: "mask", values: ["O_WRONLY", "O_RDWR"] },
      ],
    });
    expect(rig.apply([deny]).refused).toEqual([]);
    const { truths } = await rig.run(`exec ${OPENS} open ${secret} append ${secret} append ${rig.directory}/other`);
    expect(truths.map(({ result }) => result < 0)).toEqual([false, true, false]);
  });

  it("is told where a post selector asks, once for an act", async () => {
    const see = selector({
      ...{ hook: "file_open", action: "post", scope },
      match: [{ field: "file.path", op: "prefix", values: [`${rig.directory}/`] }],
    });
    expect(rig.apply([see]).refused).toEqual([]);
    rig.opens.length = 0;
    const { truths } = await rig.run(`exec ${OPENS} open ${rig.directory}/secret ring ${rig.directory}/other`);
    expect(truths.every(({ result }) => result >= 0)).toBe(true);
    rig.drain();
    expect(rig.opens.map(({ path }) => path)).toEqual([join(rig.directory, "secret"), join(rig.directory, "other")]);
  });

  it("in an overlay is one act: what overlayfs opens below is not asked about", async () => {
    // the guest's own root is an overlay
    writeFileSync("/tmp/reeve-lsm-overlay", "x");
    const see = selector({
      ...{ hook: "file_open", mode: "monitor" as const, scope },
      match: [{ field: "process.binary", op: "in", values: [OPENS] }],
    });
    rig.apply([see]);
    rig.takeDenials();
    await rig.run(`exec ${OPENS} open /tmp/reeve-lsm-overlay`);
    expect(
      rig.takeDenials().filter(({ path }) => !path.startsWith("/usr/") && !path.startsWith("/etc/ld")),
    ).toMatchObject([{ path: "/tmp/reeve-lsm-overlay" }]);
  });
}

function testConnects(): void {
  const WAYS = ["tcp", "udp", "fastopen", "send", "message"];
  it.each([
    ["127.9.1.1", true],
    ["::ffff:127.9.1.1", true],
    ["127.8.1.1", false],
  ])("to %s: every way to reach it is denied in the scope: %s", async (address, denied) => {
    const deny = selector({
      hook: "network_connect",
      scope,
      match: [
        { field: "socket.daddr", op: "cidr", values: ["127.9.0.0/16"] },
        { field: "socket.dport", op: "range", values: [[9000, 9010]] },
      ],
    });
    expect(rig.apply([deny]).refused).toEqual([]);
    rig.takeDenials();
    const command = `exec ${CONNECTS} ${WAYS.map((way) => `${way} ${address} 9005`).join(" ")}`;
    const { truths } = await rig.run(command);
    expect(truths.map(({ way, result }) => [way, result])).toEqual(WAYS.map((way) => [way, denied ? EPERM : 0]));
    const denials = rig.takeDenials();
    expect(denials.map(({ hook, dport }) => [hook, dport])).toEqual(denied ? WAYS.map(() => [HOOK_CONNECT, 9005]) : []);
    expect((await rig.run(command, "/")).truths.every(({ result }) => result === 0)).toBe(true);
    const elsewhere = await rig.run(`exec ${CONNECTS} ${WAYS.map((way) => `${way} ${address} 9011`).join(" ")}`);
    expect(elsewhere.truths.every(({ result }) => result === 0)).toBe(true);
    expect(rig.takeDenials()).toEqual([]);
  });
}
