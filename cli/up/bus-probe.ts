import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** Resolves when a NATS server greets at the URL, or the signal is aborted. */
export async function greeted(url: string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && !(await greets(new URL(url)))) {
    await sleep(25, undefined, { signal }).catch(() => {});
  }
}

function greets({ hostname, port }: URL): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port: Number(port), host: hostname.replaceAll(/[[\]]/g, "") });
    const end = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("data", (data) => end(data.toString("latin1").startsWith("INFO")));
    socket.once("error", () => end(false));
    socket.setTimeout(1000, () => end(false));
  });
}
