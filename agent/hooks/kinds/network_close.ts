import type { NetworkCloseEvent } from "../../../bus/generated/events.ts";
import type { NetworkCloseRecord } from "../../generated/records.ts";
import { defineKind, type KindRung } from "../define-kind.ts";
import { sees } from "../rungs.ts";
import { integer, object } from "../wire.ts";
import { SOCKET, SOCKET_FIELDS, socketJson, socketText } from "./shared/socket.ts";

const WORTH = "observes every TCP connection that ends, not MPTCP's";
const CGROUP: KindRung = {
  ...sees("cgroup", ["network_close_cgroup", "network_close_state"], WORTH),
  cgroup: ["network_close_cgroup"],
};

export default defineKind<NetworkCloseRecord, NetworkCloseEvent>({
  kind: "network_close",
  doc: "The last descriptor of a TCP connection was closed, by a process or by its end.",
  fields: {
    socket: { type: object("Socket"), doc: "the connection" },
    sent: { type: integer, from: "sent" },
    received: { type: integer, from: "received" },
    duration_ns: {
      type: integer,
      nullable: true,
      from: "duration",
      doc: "time since it was established, in ns; null when that was before the hook was attached",
    },
  },
  internal: { "socket.": "as network_accept.socket" },
  own: SOCKET_FIELDS,
  rungs: [
    sees("fentry", ["network_close_fentry", "network_close_state"], WORTH),
    { ...CGROUP, settings: { close_can_signal: 1 } },
    {
      ...{ ...CGROUP, settings: { close_can_signal: 0 }, actions: ["post", "noPost"] },
      worth: `${WORTH}; this kernel lets it send no signals`,
    },
  ],
  members: (record) =>
    `"socket":${socketJson(record)},"sent":${record.sent},"received":${record.received}` +
    `,"duration_ns":${record.duration === 0n ? "null" : record.duration}`,
  example: { socket: SOCKET, sent: 512, received: 2048, duration_ns: 1_500_000_000 },
  show: {
    emoji: "🧹",
    verb: "close",
    detail: ({ socket, sent, received }) => `${socketText(socket)} sent ${sent} received ${received}`,
  },
});
