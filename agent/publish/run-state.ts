import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const FILE = "agent.json";

/** What one run of the agent leaves for the next. */
export interface RunState {
  boot: string;
  /** Starts of the agent on this node. */
  epoch: number;
  /** RFC 3339: everything before was stored on the bus, or said to be lost; "" when that is not known. */
  last_time: string;
  /** Last number given to each kind. */
  sequences: Record<string, number>;
}

/**
 * The run before; null when there was none.
 * A file that cannot be read as one is as if a run with a very high epoch had been there: ids never come twice.
 */
export function readRunState(dataDir: string): RunState | null {
  let text: string;
  try {
    text = readFileSync(join(dataDir, FILE), "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    text = "";
  }
  return parse(text) ?? { boot: "", epoch: Math.floor(Date.now() / 1000), last_time: "", sequences: {} };
}

function parse(text: string): RunState | null {
  try {
    const state = JSON.parse(text) as Partial<RunState>;
    if (!Number.isSafeInteger(state.epoch) || typeof state.boot !== "string") return null;
    if (typeof state.last_time !== "string" || Number.isNaN(Date.parse(state.last_time))) return null;
    return { boot: state.boot, epoch: state.epoch!, last_time: state.last_time, sequences: state.sequences ?? {} };
  } catch {
    return null;
  }
}

/** Written whole or not at all. */
export function writeRunState(dataDir: string, state: RunState): void {
  mkdirSync(dataDir, { recursive: true });
  const path = join(dataDir, FILE);
  writeFileSync(`${path}.new`, `${JSON.stringify(state)}\n`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}
