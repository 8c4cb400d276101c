import { randomInt } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";

const LOWEST = 10_000;
const TRIES = 100;

/** Where programs of this host reach a server that listens on `host`. */
export function reachedAt(host: string): string {
  if (host === "0.0.0.0" || host === "") return "127.0.0.1";
  return host === "::" ? "[::1]" : bracketed(host);
}

/** An IPv6 address as it stands before a port. */
export function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}

/** Whether a TCP port on loopback can be listened on now. */
export async function portIsFree(port: number): Promise<boolean> {
  return (await listenOnce(port)) !== null;
}

/**
 * The first of the wanted ports that is free (0 is none), else any free one: not of those that outgoing connections get,
 * or one of them takes it while the server that listened there starts again.
 */
export async function choosePort(wanted: number[]): Promise<number> {
  for (const port of wanted) if (port > 0 && (await portIsFree(port))) return port;
  const end = Math.max(firstOutgoingPort(), LOWEST + 1);
  for (let tries = 0; tries < TRIES; tries++) {
    const port = randomInt(LOWEST, end);
    if (await portIsFree(port)) return port;
  }
  const port = await listenOnce(0);
  if (port === null) throw new Error("no free port on 127.0.0.1");
  return port;
}

/** Where the range of ports for outgoing connections begins. */
function firstOutgoingPort(): number {
  try {
    return Number(readFileSync("/proc/sys/net/ipv4/ip_local_port_range", "utf8").trim().split(/\s+/)[0]);
  } catch {
    return 0;
  }
}

function listenOnce(port: number): Promise<number | null> {
  const { promise, resolve } = Promise.withResolvers<number | null>();
  const server = createServer();
  server.once("error", () => resolve(null));
  server.listen({ port, host: "127.0.0.1", exclusive: true }, () => {
    const address = server.address();
    server.close(() => resolve(typeof address === "object" && address !== null ? address.port : null));
  });
  return promise;
}
