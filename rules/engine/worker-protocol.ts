import type { Config } from "../../bus/config/settings.ts";

/** What an evaluation thread starts with. */
export interface WorkerStart {
  /** With what it connects to the bus. */
  config: Config;
  bundle: Uint8Array;
  disabled: string[];
  /** Sequences of the messages in which threads before it died: their Rego is taken rule by rule. */
  alone: number[];
  watch: SharedArrayBuffer;
  tally: SharedArrayBuffer;
  strikes: SharedArrayBuffer;
  counters: SharedArrayBuffer;
  inHand: SharedArrayBuffer;
}

/** To the thread. */
export type WorkerRequest =
  /** Read these from now on; `left` is the answer, when nothing of others is in work any more. */
  | { type: "partitions"; number: number; partitions: readonly number[] }
  /** Another thread found a rule that does not come to an end. */
  | { type: "disable"; id: string }
  /** Bring what is in work to its end. */
  | { type: "stop" };

/** What happened lately, for the status: told now and then, and lost with the thread. */
export interface WorkerReport {
  type: "report";
  /** Time of the last alert by rule. */
  alerted: Record<string, string>;
  /** The last error by rule or policy. */
  errors: Record<string, string>;
  refused: { time: string; subject: string; reason: string }[];
  windows: number;
  connected: boolean;
}

/** From the thread. */
export type WorkerReply =
  | { type: "ready" }
  | { type: "broken"; reason: string }
  | { type: "left"; number: number }
  | { type: "survived"; sequence: number }
  | { type: "disabled"; id: string; reason: string }
  | { type: "stopped" }
  | WorkerReport;
