import { spawn, type ChildProcessByStdio } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import type { Readable } from "node:stream";
import { connect as connectTcp } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { BusError } from "../errors.ts";
import type { Owner } from "./keys.ts";
import { prepareServer, type PreparedServer, type PrepareOptions } from "./prepare.ts";

/** A nats-server that runs. */
export interface RunningServer extends PreparedServer {
  pid: number;
  /** Resolves when it has ended, however that came. */
  exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  /** Ends it, by force after ten seconds. */
  stop(): Promise<void>;
}

const STDIO: ["ignore", "ignore", "pipe"] = ["ignore", "ignore", "pipe"];
const START_LIMIT = 20_000;
const STOP_LIMIT = 10_000;

/**
 * Prepares and starts a nats-server on loopback, and waits until it takes connections. Started by root it runs as the
 * unprivileged user. Whoever calls supervises it.
 * @throws {BusError} `start`, with the last lines of its log
 */
export async function startServer(options: PrepareOptions): Promise<RunningServer> {
  const prepared = await prepareServer(options);
  const [program, ...args] = prepared.command;
  const { owner } = prepared;
  const child =
    owner === null ? spawn(program!, args, { stdio: STDIO, env: {}, cwd: "/" }) : spawnAs(program!, args, owner);
  let log = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    log = (log + text).slice(-4000);
  });
  const ended = Promise.withResolvers<{ code: number | null; signal: NodeJS.Signals | null }>();
  child.once("error", (cause) => {
    log += cause.message;
    ended.resolve({ code: null, signal: null });
  });
  child.once("exit", (code, signal) => ended.resolve({ code, signal }));
  const alive = (): boolean => child.exitCode === null && child.signalCode === null && child.pid !== undefined;
  const stop = async (): Promise<void> => {
    if (!alive()) return;
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_LIMIT);
    await ended.promise;
    clearTimeout(timer);
  };
  for (const deadline = Date.now() + START_LIMIT; !(await answers(prepared.url)); await delay(20)) {
    if (alive() && Date.now() < deadline) continue;
    await stop();
    throw new BusError("start", `nats-server did not start: ${lastLines(log)}`);
  }
  return { ...prepared, pid: child.pid!, exited: ended.promise, stop };
}

/** By an open file, so that the program may lie where only root can look. */
function spawnAs(program: string, args: string[], owner: Owner): ChildProcessByStdio<null, null, Readable> {
  const fd = openSync(program, "r");
  try {
    const stdio = [...STDIO, fd] as const;
    const options = { argv0: "nats-server", env: {}, cwd: "/", uid: owner.uid, gid: owner.gid };
    const child = spawn("/proc/self/fd/3", args, { ...options, stdio: [...stdio] });
    return child as unknown as ChildProcessByStdio<null, null, Readable>;
  } finally {
    closeSync(fd);
  }
}

/** Whether a nats-server greets there. */
function answers(url: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const { hostname, port } = new URL(url);
  const socket = connectTcp({ port: Number(port), host: hostname.replaceAll(/[[\]]/g, "") });
  socket.once("data", (data) => {
    resolve(data.toString().startsWith("INFO"));
    socket.destroy();
  });
  socket.once("error", () => resolve(false));
  socket.setTimeout(1000, () => {
    resolve(false);
    socket.destroy();
  });
  return promise;
}

function lastLines(log: string): string {
  return log.trim().split("\n").slice(-5).join(" | ") || "it said nothing";
}
