import type { NetworkBindEvent } from "../../../bus/generated/events.ts";
import type { NetworkBindRecord } from "../../generated/records.ts";
import { defineKind } from "../define-kind.ts";
import { cgroupRungs, deniesAndTells, sees, sysExit } from "../rungs.ts";
import { object } from "../wire.ts";
import { LOCAL_FIELDS, LOCAL_SOCKET, localSocketJson, localText } from "./shared/socket.ts";

const TELLS = ["network_bind_fexit4", "network_bind_fexit6"];

export default defineKind<NetworkBindRecord, NetworkBindEvent>({
  kind: "network_bind",
  doc: "A process gave a socket its local address.",
  fields: {
    socket: { type: object("LocalSocket"), doc: "the socket: as it is bound, or was to be where the call failed" },
  },
  internal: { "socket.dport": "it has no peer", "socket.daddr": "it has no peer" },
  result: "0, or the error as a negative number",
  local: true,
  own: LOCAL_FIELDS,
  rungs: [
    ...deniesAndTells("network_bind", TELLS, "denies with EPERM before the socket is bound"),
    ...cgroupRungs(
      ["network_bind4", "network_bind6"],
      ["network_bind_sys_exit"],
      "bind_can_signal",
      "denies TCP and UDP with EPERM; observes system calls, not io_uring",
    ),
    sees("fexit", TELLS, "observes every bound socket of IP but, since 6.6, MPTCP's"),
    sysExit("network_bind", "observes system calls, not io_uring"),
  ],
  members: (record) => `"socket":${localSocketJson(record)}`,
  example: { socket: LOCAL_SOCKET, result: 0 },
  show: { emoji: "📌", verb: "bind", detail: ({ socket }) => localText(socket) },
});
