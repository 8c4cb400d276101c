import type { ControllerStatus } from "../bus/types/controller-status.ts";
import type { DesiredEntry } from "../bus/types/desired.ts";
import type { ActivatedRuleSet, Activation, RuleSetInfo } from "../bus/types/rule-set.ts";

/**
 * A decision as the stream delivers it. Exactly one of `ack`, `nak` and `term` ends it; when that does not reach the
 * server, it is delivered again.
 */
export interface DecisionMessage {
  subject: string;
  data: Uint8Array;
  /** Sequence in the stream. */
  sequence: number;
  /** Milliseconds since 1970 at which the stream took it. */
  time: number;
  /** How often it was delivered, this time included. */
  deliveries: number;
  ack(): void;
  /** Deliver again, not before so many milliseconds. */
  nak(delay: number): void;
  /** Never deliver again. */
  term(reason: string): void;
}

/** One change of the desired state. `entry` null: deleted, or not readable, which `problem` says. */
export interface DesiredChange {
  key: string;
  entry: DesiredEntry | null;
  revision: number;
  problem: string | null;
}

/** The desired state. Writes are compare-and-set: revision 0 for a key that is not there; error code `conflict`. */
export interface DesiredBucket {
  /** Null says that everything that was there has been given; again after each time that the bus was away. */
  watch(signal: AbortSignal): AsyncIterable<DesiredChange | null>;
  /** Null when it is not there. */
  get(key: string): Promise<DesiredChange | null>;
  put(key: string, entry: DesiredEntry, revision: number): Promise<number>;
  delete(key: string, revision: number): Promise<void>;
}

export interface RuleSetStore {
  /** Stores the bundle and makes it the current one. */
  publish(bytes: Uint8Array, info: RuleSetInfo): Promise<void>;
  /** Makes a stored bundle the current one; error code `not_found`. */
  select(digest: string, activation: Activation): Promise<RuleSetInfo>;
  current(): Promise<ActivatedRuleSet | null>;
}

/** What became of a holder's demand; `data` null: it says that it wants nothing any more, or it was forgotten. */
export interface DemandChange {
  key: string;
  data: Uint8Array | null;
}

export type ControlHandler = (body: unknown) => Promise<unknown>;

/** Everything the controller needs of the bus, so that its parts can be tried without one. */
export interface ControllerBus {
  decisions(signal: AbortSignal): AsyncIterable<DecisionMessage>;
  desired: DesiredBucket;
  ruleSets: RuleSetStore;
  /** Null says that everything that was there has been given; again after each time that the bus was away. */
  demands(signal: AbortSignal): AsyncIterable<DemandChange | null>;
  putStatus(status: ControllerStatus): Promise<void>;
  /** All statuses by key: `node.<node>`, `engine.<name>`, `controller`. */
  readStatus(): ReadonlyMap<string, unknown>;
  /** Until `close`. */
  serveControl(handlers: Readonly<Record<string, ControlHandler>>): void;
  close(): Promise<void>;
}
