import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { isIPv4, isIPv6 } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { SOCKET_FAMILY_NAMES, STDIO_TYPE_NAMES, type ProcessExecRecord } from "../../agent/generated/records.ts";
import { run, STDIO, TRUTH, type Truth } from "./run.ts";
import { Tracer } from "./tracer.ts";

interface Socket {
  saddr: string;
  sport: number;
  daddr: string;
  dport: number;
}

let tracer: Tracer;
let directory: string;

beforeAll(() => {
  tracer = new Tracer();
  directory = mkdtempSync(join(tmpdir(), "reeve-stdio-"));
  execFileSync("mkfifo", [join(directory, "fifo")]);
  writeFileSync(join(directory, "file"), "");
});

afterAll(() => {
  tracer.close();
  rmSync(directory, { recursive: true });
});

function execWith(descriptors: [string, string, string]): { exec: ProcessExecRecord; sockets: Socket[]; truth: Truth } {
  const ran = run(STDIO, [...descriptors, TRUTH]);
  expect(ran.status).toBe(0);
  const [sockets = "[]", truth = "{}"] = ran.lines;
  return {
    exec: tracer.execOf(ran.pid),
    sockets: JSON.parse(sockets) as Socket[],
    truth: JSON.parse(truth) as Truth,
  };
}

function entry(exec: ProcessExecRecord, fd: number) {
  const family = SOCKET_FAMILY_NAMES[exec.stdioFamily(fd)];
  return {
    type: STDIO_TYPE_NAMES[exec.stdioType(fd)],
    family,
    protocol: exec.stdioProtocol(fd),
    saddr: addressText(exec.stdioSaddr(fd), family),
    sport: exec.stdioSport(fd),
    daddr: addressText(exec.stdioDaddr(fd), family),
    dport: exec.stdioDport(fd),
  };
}

function addressText(bytes: Buffer, family: string | undefined): string {
  if (family === "ipv4") return bytes.subarray(0, 4).join(".");
  const words = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2).toString(16)).join(":");
  return words === "0:0:0:0:0:0:0:1" ? "::1" : words;
}

const NO_SOCKET = {
  family: "none",
  protocol: 0,
  saddr: "0:0:0:0:0:0:0:0",
  sport: 0,
  daddr: "0:0:0:0:0:0:0:0",
  dport: 0,
};

test.each([
  [
    ["pipe", "null", "zero"],
    ["pipe", "null", "other"],
  ],
  [
    ["fifo", "file", "tty"],
    ["fifo", "file", "tty"],
  ],
  [
    ["closed", "null", "closed"],
    ["closed", "null", "closed"],
  ],
] as const)("%j are told as %j", (given, expected) => {
  const paths = given.map((what) => (what === "fifo" || what === "file" ? `${what}=${directory}/${what}` : what));
  const { exec, truth } = execWith(paths as [string, string, string]);
  for (const [fd, type] of expected.entries()) {
    expect(entry(exec, fd)).toEqual({ type, ...NO_SOCKET });
    expect(exec.stdioInode(fd)).toBe(truth[`fd${fd}`] ?? 0);
  }
});

test("TCP over IPv4, IPv6, and IPv4 on an IPv6 socket", () => {
  const { exec, sockets, truth } = execWith(["tcp4", "tcp6", "mapped"]);
  for (const fd of [0, 1, 2]) {
    const { saddr = "", sport, daddr = "", dport } = sockets[fd] ?? {};
    const plain = { saddr: saddr.replace("::ffff:", ""), daddr: daddr.replace("::ffff:", "") };
    const family = fd === 1 ? "ipv6" : "ipv4";
    expect(entry(exec, fd)).toEqual({ type: "socket", family, protocol: 6, ...plain, sport, dport });
    expect((fd === 1 ? isIPv6 : isIPv4)(plain.saddr)).toBe(true);
    expect(exec.stdioInode(fd)).toBe(truth[`fd${fd}`]);
  }
});

test("UDP and unix sockets", () => {
  const { exec, sockets } = execWith(["udp4", "unix", "null"]);
  expect(entry(exec, 0)).toEqual({
    type: "socket",
    family: "ipv4",
    protocol: 17,
    saddr: "127.0.0.1",
    daddr: "127.0.0.1",
    sport: sockets[0]?.sport,
    dport: sockets[0]?.dport,
  });
  expect(entry(exec, 1)).toEqual({ ...NO_SOCKET, type: "socket", family: "unix" });
});
