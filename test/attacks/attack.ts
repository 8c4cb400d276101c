import { spawn } from "node:child_process";
import type { ChildProcess, SpawnOptions } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What an attack really did: what its alert must agree with. */
export interface AttackTruth {
  rule: string;
  /** Process that the alert is about; null where only its binary is known. */
  pid: number | null;
  /** Path of the binary that was run, as the kernel resolves it. */
  binary: string;
  /** Whether the process came to its end by itself with status 0; false when it was killed or cut off. */
  succeeded: boolean;
  signal: NodeJS.Signals | null;
  stderr: string;
}

/** Acts for real and does no harm: on loopback, in a directory of its own that is gone afterwards. */
export interface Attack {
  rule: string;
  name: string;
  run(): Promise<AttackTruth>;
}

export interface Ended {
  pid: number;
  status: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** Runs a program to its end, at most ten seconds. */
export function runToEnd(command: string, args: readonly string[], options: SpawnOptions = {}): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child: ChildProcess = spawn(command, args, {
      stdio: ["ignore", "pipe", "pipe"],
      timeout: 10_000,
      ...options,
    });
    let stdout = "";
    let stderr = "";
    child.stdout?.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr?.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    child.on("error", reject);
    child.on("close", (status, signal) => resolve({ pid: child.pid ?? 0, status, signal, stdout, stderr }));
  });
}

/** A directory that is removed when the attack is over; below /tmp unless another is named. */
export async function inDirectory<T>(act: (dir: string) => Promise<T>, parent = tmpdir()): Promise<T> {
  const dir = mkdtempSync(join(parent, "reeve-attack-"));
  try {
    return await act(dir);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

export interface Listener {
  port: number;
  /** What came over all connections. */
  received: () => string;
}

/**
 * A listener on loopback, as an attacker would have one. `say` is sent to each who connects, then the connection is ended
 * from this side, so that a shell at the other end reads to the end of its input.
 */
export async function withListener<T>(say: string, act: (listener: Listener) => Promise<T>): Promise<T> {
  let received = "";
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.setEncoding("utf8").on("data", (text: string) => (received += text));
    socket.on("error", () => undefined).on("close", () => sockets.delete(socket));
    socket.end(say);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  try {
    return await act({ port: (server.address() as AddressInfo).port, received: () => received });
  } finally {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  }
}
