import { constants, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { HOOKS } from "../../../../bus/generated/hooks.ts";
import { selector } from "../../../enforce/host.ts";
import { CONNECTS, OPENS } from "../lsm/programs.ts";
import { Rig } from "../lsm/rig.ts";

const EPERM = -1;
const HOOK_EXEC = HOOKS.indexOf("process_exec");
const HOOK_CONNECT = HOOKS.indexOf("network_connect");
/** What lasts of an open's flags: the descriptor tells them too. */
const LASTING = 3 | constants.O_APPEND | constants.O_NONBLOCK | constants.O_DIRECTORY;
/** A descriptor that may do nothing; only where system calls are looked at are they seen. */
const O_PATH = 0o10000000;

/**
 * Tests of a rung of file_open that denies nothing, with what is left of the other hooks beside it.
 * @param sees  whether what io_uring opens is seen
 */
export function testObserving(rung: "fentry" | "sys_exit", sees: { ring: boolean }): void {
  let rig: Rig;
  let scope: { cgroup: string };
  const opens = () => rig.hooks.attached.find(({ hook }) => hook === "file_open");
  const inDirectory = () => [{ field: "file.path", op: "prefix" as const, values: [`${rig.directory}/`] }];
  beforeAll(() => {
    rig = new Rig(undefined, [rung, "cgroup"]);
    scope = { cgroup: rig.cgroup };
  });
  afterAll(() => rig[Symbol.asyncDispose]());

  it("refuses a deny with the reason, while the others apply", async () => {
    const post = { ...{ hook: "file_open" as const, action: "post" as const, scope }, match: inDirectory() };
    const deny = selector({ hook: "file_open", scope, match: inDirectory() });
    const exec = selector({
      hook: "process_exec",
      scope,
      match: [{ field: "process.binary", op: "suffix", values: ["/true"] }],
    });
    const connect = selector({
      hook: "network_connect",
      scope,
      match: [{ field: "socket.dport", op: "in", values: [9005] }],
    });
    const { refused } = rig.apply([deny, selector(post), exec, connect]);
    expect(refused).toMatchObject([
      { selector: deny.selector.id, reason: expect.stringMatching(`deny is not possible at file_open by ${rung}`) },
    ]);
    expect(opens()).toMatchObject({ attached: true, rung, canDeny: false });
    const file = join(rig.directory, "kept");
    writeFileSync(file, "kept");
    rig.opens.length = 0;
    rig.takeDenials();
    const script = `/bin/true; echo $?; ${OPENS} open ${file}; exec ${CONNECTS} tcp 127.0.0.1 9005 udp 127.0.0.1 9005 send 127.0.0.1 9005`;
    const { out, truths } = await rig.run(script);
    // 128 + SIGKILL: what begins to run ends before its first instruction
    expect(out).toBe("137");
    expect(truths.map(({ result }) => result)).toEqual([expect.any(Number), EPERM, EPERM, EPERM]);
    expect(truths[0]!.result).toBeGreaterThanOrEqual(0);
    expect(rig.takeDenials().map(({ hook }) => hook)).toEqual([HOOK_EXEC, HOOK_CONNECT, HOOK_CONNECT, HOOK_CONNECT]);
    expect(rig.opens.map(({ path }) => path)).toEqual([file]);
    expect((await rig.run(script, "/")).out).toBe("0");
  });

  it("tells each open once, as the process's own descriptor does", async () => {
    const at = (name: string) => join(rig.directory, name);
    mkdirSync(at("a-directory"));
    for (const name of ["file", "renamed"]) writeFileSync(at(name), name);
    rig.apply([selector({ hook: "file_open", action: "post", scope, match: inDirectory() })]);
    rig.opens.length = 0;
    const ways = [
      ...["open", "append", "openat", "descriptor", "handle"].map((way) => [way, at("file")]),
      ...(process.arch === "x64" ? [["ia32", at("file")]] : []),
      ...[
        ["write", at("renamed")],
        ["create", at("new")],
        ["creat", at("made")],
        ["openat2", at("other")],
      ],
      ...[
        ["directory", at("a-directory")],
        ["open", at("not-there")],
        ["create", at("file")],
      ],
      ...[
        ["ring", at("file")],
        ["worker", at("renamed")],
      ],
    ];
    const { truths } = await rig.run(`exec ${OPENS} ${ways.map((way) => way.join(" ")).join(" ")}`);
    expect(truths.map(({ way }) => way)).toEqual(ways.map(([way]) => way));
    // what is not there, or there already, is asked about by no hook
    const opened = truths.filter(({ way, result }) => result >= 0 && (sees.ring || !/ring|worker/.test(way)));
    expect(opened.length).toBe(ways.length - 2 - (sees.ring ? 0 : 2));
    rig.drain();
    const told = rig.opens.filter(({ flags }) => !(flags & O_PATH));
    const seen = told.map(({ path, inode, flags, result }) => ({ path, inode, flags: flags & LASTING, result }));
    const wanted = opened.map(({ way, link, inode, flags, result }) => {
      return { path: link, inode, flags: Number(flags) & LASTING, result: /ring|worker/.test(way) ? null : result };
    });
    expect(seen).toEqual(wanted);
  });

  it("kills where a selector says so", async () => {
    const kill = selector({ hook: "file_open", action: "kill", scope, match: inDirectory() });
    expect(rig.apply([kill]).refused).toEqual([]);
    rig.takeDenials();
    const { signal, truths } = await rig.run(`exec ${OPENS} open ${rig.directory}/kept open ${rig.directory}/kept`);
    expect([signal, truths]).toEqual(["SIGKILL", []]);
    expect(rig.takeDenials().map(({ path }) => path)).toEqual([join(rig.directory, "kept")]);
    expect(rig.counters(kill.selector.id)).toMatchObject({ hits: 1, denied: 1 });
  });
}
