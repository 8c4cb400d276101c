import type { NetworkAcceptEvent } from "../../../bus/generated/events.ts";
import type { NetworkAcceptRecord } from "../../generated/records.ts";
import { defineKind } from "../define-kind.ts";
import { sees, sysExit } from "../rungs.ts";
import { object } from "../wire.ts";
import { SERVED_SOCKET, SOCKET_FIELDS, socketJson, socketText } from "./shared/socket.ts";

export default defineKind<NetworkAcceptRecord, NetworkAcceptEvent>({
  kind: "network_accept",
  doc: "A process took a connection from a listening socket.",
  fields: {
    socket: { type: object("Socket"), doc: "the accepted connection: `saddr` is the own end, `daddr` the peer" },
  },
  own: SOCKET_FIELDS,
  rungs: [
    sees("fentry", ["network_accept_fentry"], "observes every accepted TCP connection"),
    sysExit("network_accept", "observes connections accepted by system calls, not those by io_uring"),
  ],
  members: (record) => `"socket":${socketJson(record)}`,
  example: { socket: SERVED_SOCKET },
  show: { emoji: "📥", verb: "accept", detail: ({ socket }) => socketText(socket) },
});
