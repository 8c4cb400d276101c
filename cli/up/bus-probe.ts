import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** Resolves when a NATS server greets on the port of loopback, or the signal is aborted. */
export async function greeted(port: number, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && !(await greets(port))) {
    await sleep(25, undefined, { signal }).catch(() => {});
  }
}

function greets(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" });
    const end = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("data", (data) => end(data.toString("latin1").startsWith("INFO")));
    socket.once("error", () => end(false));
    socket.setTimeout(1000, () => end(false));
  });
}
