// Runs the agent with the configuration in the file named by the first argument, until SIGTERM.
import { readFileSync } from "node:fs";
import { runAgent } from "../../../../agent/main.ts";
import type { Config } from "../../../../bus/config/settings.ts";

const stop = new AbortController();
process.on("SIGTERM", () => stop.abort());
await runAgent(JSON.parse(readFileSync(process.argv[2]!, "utf8")) as Config, stop.signal);
