/** A record that is not what its kind says; whoever drains the ring counts it and goes on. */
export class RecordError extends Error {
  readonly code: "record_kind" | "record_size";

  constructor(code: "record_kind" | "record_size", message: string) {
    super(message);
    this.name = "RecordError";
    this.code = code;
  }
}
