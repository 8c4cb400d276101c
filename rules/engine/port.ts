import type { Alert } from "../../bus/types/alert.ts";
import type { Decision } from "../../bus/types/decision.ts";
import type { EngineStatus } from "../../bus/types/engine-status.ts";

/**
 * A message of events, as the engine takes it from the bus; as long as this process lives and is not done with it, nobody
 * else gets it. Kind and node are those of its subject.
 */
export interface EventMessage {
  subject: string;
  kind: string;
  node: string;
  data: Uint8Array;
  /** How often it has been handed out, this time included. */
  deliveries: number;
  ack(): void;
  /** To be delivered again, after so many milliseconds. */
  nak(delayMs?: number): void;
  term(reason: string): void;
}

/** What the engine needs of the bus: the bus client gives it, tests stand in for it. */
export interface EnginePort {
  /** Ends when the signal aborts. */
  events(signal: AbortSignal): AsyncIterable<EventMessage>;
  /** The rule set in force and each that follows it. */
  ruleSets(signal: AbortSignal): AsyncIterable<{ digest: string; bytes: Uint8Array }>;
  /** Resolves when it is stored; the same id again is stored once. */
  publishFinding(alert: Alert): Promise<void>;
  publishDecision(policy: string, decision: Decision, messageId: string): Promise<void>;
  putStatus(status: EngineStatus): Promise<void>;
}
