import type { Config } from "../bus/config/settings.ts";
import type { Alert } from "../bus/types/alert.ts";
import type { EventView } from "./output/event-view.ts";
import type { WhySource } from "./why/chain.ts";

export interface ReadOptions {
  /** From what is kept since then; null: only what happens from now on. */
  since: Date | null;
  /** Whether to go on when all that is kept was read. */
  follow: boolean;
  signal: AbortSignal;
  nodes: readonly string[];
}

/** What the verbs ask of the bus, as the operator. */
export interface OperatorBus extends WhySource {
  url: string;
  /** Asks the controller. Throws what it answers, with its code. */
  control<T>(verb: string, body?: unknown): Promise<T>;
  events(options: ReadOptions & { kinds: readonly string[] }): AsyncIterable<EventView>;
  alerts(options: ReadOptions): AsyncIterable<Alert>;
  /** All entries of KV reeve_status by their key. */
  status(): Promise<Record<string, unknown>>;
  close(): Promise<void>;
}

export async function connectOperator(_config: Config, _signal?: AbortSignal): Promise<OperatorBus> {
  throw new Error("not yet");
}
