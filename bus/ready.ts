import { writeSync } from "node:fs";

/**
 * Tells whoever started this process that it is ready: one line of JSON, `{"ready":true,...detail}`, on the file
 * descriptor that REEVE_READY_FD names. Does nothing when nobody asked, or nobody listens any more.
 */
export function reportReady(detail: Record<string, unknown> = {}, env: NodeJS.ProcessEnv = process.env): void {
  const fd = Number(env["REEVE_READY_FD"] ?? "");
  if (!Number.isInteger(fd) || fd < 1) return;
  try {
    writeSync(fd, `${JSON.stringify({ ready: true, ...detail })}\n`);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (code !== "EPIPE" && code !== "EBADF") throw cause;
  }
}
