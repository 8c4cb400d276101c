import { renameSync, rmSync, writeFileSync } from "node:fs";

const EVERY_MS = 2000;

/**
 * Says every two seconds in the file that REEVE_HEALTH_FILE names that this process is well, or why it is not: whoever looks
 * (the health check of a container image) takes a file that is old for a process that hangs. Does nothing without the
 * variable. Returns how to end it, which takes the file away.
 * @param unwell why it is not well at the moment, or null
 */
export function keepHealth(unwell: () => string | null, env: NodeJS.ProcessEnv = process.env): () => void {
  const file = env["REEVE_HEALTH_FILE"] ?? "";
  if (file === "") return () => {};
  const say = (): void => {
    const reason = unwell();
    const text = JSON.stringify({ ok: reason === null, time: new Date().toISOString(), reason });
    // In one step: it may be read at any time.
    writeFileSync(`${file}.new`, `${text}\n`);
    renameSync(`${file}.new`, file);
  };
  say();
  const timer = setInterval(say, EVERY_MS).unref();
  return () => {
    clearInterval(timer);
    rmSync(file, { force: true });
  };
}
