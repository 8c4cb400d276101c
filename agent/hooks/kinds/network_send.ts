import type { NetworkSendEvent } from "../../../bus/generated/events.ts";
import type { NetworkSendRecord } from "../../generated/records.ts";
import { defineKind, type KindRung } from "../define-kind.ts";
import { deniesAndTells, sees } from "../rungs.ts";
import { integer, object } from "../wire.ts";
import { SOCKET, SOCKET_FIELDS, socketJson, socketText } from "./shared/socket.ts";

const TELLS = ["network_send_fexit4", "network_send_fexit6"];

/** The program needs more than some kernels let a packet's have. */
const CGROUP: KindRung = {
  ...{ name: "cgroup", programs: ["network_send_egress"], cgroup: true, actions: ["deny", "post", "noPost"] },
  worth: "denies UDP with EPERM, packet by packet",
};

export default defineKind<NetworkSendRecord, NetworkSendEvent>({
  kind: "network_send",
  doc: "A process sent the first datagram of a flow over UDP.",
  fields: {
    socket: {
      type: object("Socket"),
      doc: "where from and to; on other rungs than cgroup `saddr` is what the socket is bound to",
    },
    size: { type: integer, from: "datagram" },
  },
  internal: { "socket.": "as network_accept.socket" },
  result: "0, or the error as a negative number",
  own: SOCKET_FIELDS,
  rungs: [
    ...deniesAndTells("network_send", TELLS, "denies UDP with EPERM, datagram by datagram"),
    CGROUP,
    sees("fexit", TELLS, "observes datagrams over UDP"),
  ],
  members: (record) => `"socket":${socketJson(record)},"size":${record.datagram}`,
  example: { socket: { ...SOCKET, protocol: "udp" }, size: 48, result: 0 },
  show: { emoji: "📤", verb: "send", detail: ({ socket, size }) => `${socketText(socket)} ${size} bytes` },
});
