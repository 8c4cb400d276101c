import { createServer } from "node:net";

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

/** The first of the wanted ports that is free (0 is none), else any free one. */
export async function choosePort(wanted: number[]): Promise<number> {
  for (const port of wanted) if (port > 0 && (await portIsFree(port))) return port;
  const port = await listenOnce(0);
  if (port === null) throw new Error("no free port on 127.0.0.1");
  return port;
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
