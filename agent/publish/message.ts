/** One message for the bus: the lines of one or more events of one kind. */
export interface EventMessage {
  subject: string;
  payload: Uint8Array;
  /** Nats-Msg-Id: the first event's id; the same message again has the same. */
  id: string;
  kind: string;
  /** Events in it. */
  count: number;
  /** Kernel times of the first and last of them, ns since boot. */
  from: bigint;
  to: bigint;
}
