import type { NetworkListenEvent } from "../../../bus/generated/events.ts";
import type { NetworkListenRecord } from "../../generated/records.ts";
import { defineKind } from "../define-kind.ts";
import { deniesAndTells, sees, sysExit } from "../rungs.ts";
import { integer, object } from "../wire.ts";
import { LOCAL_FIELDS, LOCAL_SOCKET, localSocketJson, localText } from "./shared/socket.ts";

const TELLS = ["network_listen_fexit"];

export default defineKind<NetworkListenRecord, NetworkListenEvent>({
  kind: "network_listen",
  doc: "A process began to listen for connections.",
  fields: {
    socket: { type: object("LocalSocket"), doc: "the listening socket" },
    backlog: { type: integer, from: "backlog" },
  },
  internal: { "socket.": "as network_bind.socket" },
  result: "0, or the error as a negative number",
  local: true,
  own: LOCAL_FIELDS,
  rungs: [
    ...deniesAndTells("network_listen", TELLS, "denies with EPERM before the socket listens"),
    sees("fexit", TELLS, "observes every listening socket of TCP but, since 6.6, MPTCP's"),
    sysExit("network_listen", "observes system calls, not io_uring"),
  ],
  members: (record) => `"socket":${localSocketJson(record)},"backlog":${record.backlog}`,
  example: { socket: LOCAL_SOCKET, backlog: 128, result: 0 },
  show: { emoji: "👂", verb: "listen", detail: ({ socket }) => localText(socket) },
});
