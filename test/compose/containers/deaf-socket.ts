import { createServer, connect, type Socket } from "node:net";
import { rmSync } from "node:fs";

/**
 * A socket in front of a runtime's on which nothing is ever announced: its stream of events stays open and empty. Whoever
 * follows it has to ask for each container once its cgroup is there.
 */
export async function deafSocket(path: string, runtime: string): Promise<{ close(): void }> {
  const open = new Set<Socket>();
  const server = createServer((client) => {
    open.add(client);
    client.on("error", () => {}).on("close", () => open.delete(client));
    client.once("data", (first) => {
      if (first.toString("latin1").startsWith("GET /events")) {
        client.write("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n");
        return;
      }
      const up = connect(runtime);
      open.add(up);
      up.on("error", () => client.destroy()).on("close", () => open.delete(up));
      up.write(first);
      client.pipe(up).pipe(client);
    });
  });
  rmSync(path, { force: true });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return {
    close() {
      server.close();
      for (const socket of open) socket.destroy();
    },
  };
}
