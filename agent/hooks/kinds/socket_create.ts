import type { SocketCreateEvent } from "../../../bus/generated/events.ts";
import { RAW_FAMILY_NAMES, RAW_TYPE_NAMES, type SocketCreateRecord } from "../../generated/records.ts";
import { named, ownNumber } from "../../selectors/hooks/define.ts";
import { defineKind } from "../define-kind.ts";
import { sysExit, triple } from "../rungs.ts";
import { integer, object, oneOf } from "../wire.ts";

export default defineKind<SocketCreateRecord, SocketCreateEvent>({
  kind: "socket_create",
  doc: "A process made a socket that sees or makes up packets: a raw one of IP, or a packet socket.",
  fields: { raw: { type: object("RawSocket"), doc: "the new socket" } },
  objects: {
    RawSocket: {
      doc: "A socket below TCP and UDP.",
      fields: {
        family: { type: oneOf("ipv4", "ipv6", "packet"), from: "family" },
        type: {
          type: oneOf("raw", "dgram", "packet"),
          from: "type",
          doc: "raw: with the headers; dgram: a packet socket without those of the link; packet: the old kind of packet socket",
        },
        protocol: { type: integer, from: "protocol" },
      },
    },
  },
  result:
    "the new file descriptor, or the error as a negative number; null where the end of the call is not seen (io_uring)",
  own: {
    "raw.family": named(0, 0xffff, { ipv4: 2, ipv6: 10, packet: 17 }),
    "raw.type": named(1, 15, { dgram: 2, raw: 3, packet: 10 }),
    "raw.protocol": ownNumber(2, 0xffff_ffff),
  },
  rungs: [
    ...triple("socket_create", {
      deny: "denies with EPERM before the socket is made",
      see: "observes every such socket",
    }),
    sysExit("socket_create", "observes system calls, those that fail too, not io_uring"),
  ],
  members: (record) =>
    `"raw":{"family":"${RAW_FAMILY_NAMES[record.family] ?? record.family}"` +
    `,"type":"${RAW_TYPE_NAMES[record.type] ?? record.type}","protocol":${record.protocol}}`,
  example: { raw: { family: "packet", type: "raw", protocol: 3 }, result: 3 },
  show: { emoji: "🧪", verb: "socket", detail: ({ raw }) => `${raw.family} ${raw.type} ${raw.protocol}` },
});
