/** What happens to a connection, told to whoever asked with `onStatus`. */
export type BusStatus =
  | { type: "connected"; url: string; again: boolean }
  | { type: "disconnected" }
  | { type: "retrying"; reason: string }
  | { type: "refused"; operation: string; subject: string }
  | { type: "error"; reason: string }
  | { type: "closed" };

export type StatusListener = (status: BusStatus) => void;
