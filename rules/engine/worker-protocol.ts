import type { EventOrigin } from "../eval/event-check.ts";
import type { RuleFailure } from "../eval/evaluator.ts";
import type { MessageResult } from "../eval/message.ts";

/** What an evaluation thread starts with. */
export interface WorkerStart {
  bundle: Uint8Array;
  config: { enforce: boolean };
  memoryMb: number;
  disabled: string[];
  watch: SharedArrayBuffer;
  tally: SharedArrayBuffer;
  strikes: SharedArrayBuffer;
}

/** To the thread: one message of the bus. `alone` evaluates the Rego rule by rule. */
export interface WorkerRequest {
  number: number;
  origin: EventOrigin;
  data: Uint8Array;
  alone: boolean;
}

/** From the thread. */
export type WorkerReply =
  | { type: "ready" }
  | { type: "broken"; reason: string }
  | { type: "result"; number: number; result: MessageResult }
  | { type: "failure"; failure: RuleFailure }
  | { type: "disabled"; id: string; reason: string };
