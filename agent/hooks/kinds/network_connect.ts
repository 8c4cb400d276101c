import type { NetworkConnectEvent } from "../../../bus/generated/events.ts";
import type { NetworkConnectRecord } from "../../generated/records.ts";
import { defineKind } from "../define-kind.ts";
import { cgroupRungs } from "../rungs.ts";
import { object } from "../wire.ts";
import { PEER_FIELDS, SOCKET, socketJson, socketText } from "./shared/socket.ts";

const DENIES = ["deny", "kill", "signal", "post", "noPost"] as const;
const TELLS = ["connect_fexit_stream", "connect_fexit_dgram"];
const WORTH = "denies connections and datagrams with EPERM, of whatever protocol";

export default defineKind<NetworkConnectRecord, NetworkConnectEvent>({
  kind: "network_connect",
  doc: "A process connected a socket, or tried to.",
  fields: {
    socket: {
      type: object("Socket"),
      doc: "the socket: as it is connected, or was to be where the call failed; `saddr` and `sport` are zero where it had none",
    },
  },
  internal: { "socket.": "as network_accept.socket" },
  result:
    "0, or the error as a negative number: -115 (EINPROGRESS) when the call does not wait for the answer; null where the end " +
    "of the call is not seen (io_uring, or a connection that is opened by its first data)",
  own: PEER_FIELDS,
  rungs: [
    { name: "lsm", programs: ["connect_lsm", "send_lsm", ...TELLS], actions: DENIES, worth: WORTH },
    { name: "fmod_ret", programs: ["connect_fmod_ret", "send_fmod_ret", ...TELLS], actions: DENIES, worth: WORTH },
    ...cgroupRungs(
      ["connect4", "connect6", "sendmsg4", "sendmsg6"],
      ["connect_sys_exit"],
      "connect_can_signal",
      "denies TCP and UDP with EPERM",
    ),
  ],
  members: (record) => `"socket":${socketJson(record)}`,
  example: { socket: SOCKET, result: 0 },
  show: { emoji: "🔌", verb: "connect", detail: ({ socket }) => socketText(socket) },
});
