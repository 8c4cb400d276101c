// Whether the process of this container is well: it says so again and again in the file of REEVE_HEALTH_FILE (bus/health.ts).
// Plain and small: Docker runs it every few seconds.
import { readFileSync } from "node:fs";

const STALE_MS = 10_000;
const file = process.env.REEVE_HEALTH_FILE ?? "";

try {
  const { ok, time, reason } = JSON.parse(readFileSync(file, "utf8"));
  const age = Date.now() - Date.parse(time);
  if (age > STALE_MS) fail(`it has said nothing for ${Math.round(age / 1000)} s`);
  else if (!ok) fail(reason);
} catch (error) {
  fail(`not ready yet (${error.message})`);
}

function fail(reason) {
  console.log(reason);
  process.exitCode = 1;
}
