import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { BusError } from "./errors.ts";

/** What is served: made anew for each request. */
export interface MetricsText {
  contentType: string;
  text(): Promise<string>;
}

/**
 * Serves metrics to Prometheus at 127.0.0.1:PORT/metrics, and does not keep the process alive. `setting` is what the
 * port was set by.
 * @throws BusError `metrics` when the port cannot be had
 */
export async function serveMetricsText(port: number, setting: string, metrics: MetricsText): Promise<Server> {
  const server = createServer((request, response) => {
    if (request.url !== "/metrics") {
      response.writeHead(404).end("metrics are at /metrics\n");
      return;
    }
    metrics.text().then(
      (text) => response.writeHead(200, { "content-type": metrics.contentType }).end(text),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  server.listen(port, "127.0.0.1");
  try {
    await once(server, "listening");
  } catch (cause) {
    const taken = (cause as NodeJS.ErrnoException).code === "EADDRINUSE";
    const why = taken ? "is taken" : `cannot be listened on: ${(cause as Error).message}`;
    const allowed = "allowed: a free port, or 0 for none";
    throw new BusError("metrics", `${setting}: port ${port} on 127.0.0.1 ${why} (${allowed})`, { cause });
  }
  server.unref();
  return server;
}
