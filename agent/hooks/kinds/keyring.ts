import type { KeyringEvent } from "../../../bus/generated/events.ts";
import { quoteOrNull } from "../../events/json.ts";
import { KEYRING_CALL, KEYRING_CALL_NAMES, type KeyringRecord } from "../../generated/records.ts";
import { named } from "../../selectors/hooks/define.ts";
import { defineKind } from "../define-kind.ts";
import { integer, oneOf, string } from "../wire.ts";
import { decidedCalls, numbered, RESULT, withError } from "./shared/calls.ts";

/** linux/keyctl.h, by number. */
const OPERATIONS = (
  "GET_KEYRING_ID JOIN_SESSION_KEYRING UPDATE REVOKE CHOWN SETPERM DESCRIBE CLEAR LINK UNLINK SEARCH READ INSTANTIATE " +
  "NEGATE SET_REQKEY_KEYRING SET_TIMEOUT ASSUME_AUTHORITY GET_SECURITY SESSION_TO_PARENT REJECT INSTANTIATE_IOV " +
  "INVALIDATE GET_PERSISTENT DH_COMPUTE PKEY_QUERY PKEY_ENCRYPT PKEY_DECRYPT PKEY_SIGN PKEY_VERIFY RESTRICT_KEYRING " +
  "MOVE CAPABILITIES WATCH_KEY"
)
  .split(" ")
  .map((name) => `KEYCTL_${name}`);

/** The same; keyrings that are named instead of numbered. */
const SPECIAL: Readonly<Record<number, string>> = {
  [-1]: "thread",
  [-2]: "process",
  [-3]: "session",
  [-4]: "user",
  [-5]: "user_session",
  [-6]: "group",
  [-7]: "request_authority",
  [-8]: "requestor",
};

function text(value: string): string {
  return quoteOrNull(value === "" ? null : value);
}

export default defineKind<KeyringRecord, KeyringEvent>({
  kind: "keyring",
  doc: "A process used the kernel's keyrings.",
  fields: {
    call: { type: oneOf(...Object.values(KEYRING_CALL_NAMES)), from: "call" },
    operation: {
      ...{ type: string, nullable: true, from: "operation" },
      doc: "what keyctl is asked to do: KEYCTL_READ ..., a number for one without name; null at the other calls",
    },
    key: { type: integer, from: "key" },
    keyring: {
      ...{ type: string, nullable: true },
      doc: "where `key` names a keyring: thread, process, session, user, user_session ...; else null",
    },
    key_type: { type: string, nullable: true, from: "type", doc: "the key's type; null at keyctl" },
    description: { type: string, nullable: true, from: "description", doc: "the key's description; null at keyctl" },
    payload_bytes: { type: integer, from: "payload_bytes" },
  },
  result: `${RESULT}; the key's serial number, or what the operation gives`,
  own: { call: named(0, 3, KEYRING_CALL), operation: named(1, 0xffff_ffff, numbered(OPERATIONS)) },
  rungs: decidedCalls({
    deciders: ["keyring_alloc", "keyring_use"],
    tellers: ["keyring_sys_exit"],
    deny: "denies with EPERM before a key is made or used; observes all calls",
    see: "observes all calls and what became of them",
  }),
  members: (record) => {
    const operation =
      record.call === KEYRING_CALL.keyctl ? `"${OPERATIONS[record.operation] ?? record.operation}"` : "null";
    const key = record.key | 0;
    return (
      `"call":"${KEYRING_CALL_NAMES[record.call] ?? record.call}","operation":${operation},"key":${key}` +
      `,"keyring":${quoteOrNull(SPECIAL[key] ?? null)},"key_type":${text(record.type)}` +
      `,"description":${text(record.description)},"payload_bytes":${record.payloadBytes}`
    );
  },
  example: {
    ...{ call: "add_key", operation: null, key: -3, keyring: "session", key_type: "user", description: "token" },
    ...{ payload_bytes: 32, result: 815_911_123 },
  },
  show: {
    ...{ emoji: "🗝️", verb: "keyring" },
    detail: ({ call, operation, key_type, description, result }) =>
      withError(operation ?? `${call} ${key_type ?? ""} ${description ?? ""}`.trimEnd(), result),
  },
});
