import { markText } from "../events/marks.ts";
import type { ProcessExecRecord, ProcessSeedRecord } from "../generated/records.ts";
import { formatArguments, type Redact } from "./arguments.ts";
import type { Image } from "./entry.ts";

/** What an exec or seed record says of an image. Arguments are redacted here, before anybody can keep them. */
export function imageOf(record: ProcessExecRecord | ProcessSeedRecord, redact: Redact): Image {
  return {
    binary: record.binary,
    arguments: record.argumentsLen === 0 ? "" : redact(formatArguments(record.arguments)),
    cwd: record.cwd,
    uid: record.credentialsUid,
    auid: record.credentialsAuid,
    tid: record.callerTid,
    marks: markText(record.flags),
  };
}
