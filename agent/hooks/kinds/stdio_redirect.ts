import type { StdioRedirectEvent } from "../../../bus/generated/events.ts";
import { formatIpv4, formatIpv6, protocolName } from "../../events/address.ts";
import { SOCKET_FAMILY, SOCKET_FAMILY_NAMES, type StdioRedirectRecord } from "../../generated/records.ts";
import { named, ownAddress, ownNumber, protocol } from "../../selectors/hooks/define.ts";
import { defineKind } from "../define-kind.ts";
import { sysExit } from "../rungs.ts";
import { integer, object, oneOf, string } from "../wire.ts";

const FAMILIES = { unix: SOCKET_FAMILY.unix, ipv4: SOCKET_FAMILY.ipv4, ipv6: SOCKET_FAMILY.ipv6, other: 255 };

/** A `RedirectedSocket`. */
function socket(record: StdioRedirectRecord): string {
  const family = record.socketFamily;
  const ip = family === SOCKET_FAMILY.ipv4 || family === SOCKET_FAMILY.ipv6;
  const head = `{"family":"${SOCKET_FAMILY_NAMES[family] ?? "other"}","inode":${record.socketInode}`;
  if (!ip) return `${head}}`;
  const address = (bytes: Buffer) => (family === SOCKET_FAMILY.ipv4 ? formatIpv4(bytes) : formatIpv6(bytes));
  return (
    `${head},"protocol":"${protocolName(record.socketProtocol)}"` +
    `,"saddr":"${address(record.socketSaddr)}","sport":${record.socketSport}` +
    `,"daddr":"${address(record.socketDaddr)}","dport":${record.socketDport}}`
  );
}

export default defineKind<StdioRedirectRecord, StdioRedirectEvent>({
  kind: "stdio_redirect",
  doc: "A process made a socket its standard input, output or error, by dup, dup2, dup3 or fcntl.",
  fields: {
    fd: { type: integer, from: "fd" },
    old_fd: { type: integer, from: "from" },
    socket: { type: object("RedirectedSocket"), doc: "the socket" },
  },
  objects: {
    RedirectedSocket: {
      doc: "A socket that stands for standard input, output or error.",
      fields: {
        family: {
          ...{ type: oneOf("unix", "ipv4", "ipv6", "other"), from: "socket.family" },
          doc: "family; an IPv4 address on an IPv6 socket is ipv4",
        },
        inode: { type: integer, from: "socket.inode" },
        protocol: {
          ...{ type: string, optional: true, from: "socket.protocol" },
          doc: "of an ipv4 or ipv6 socket, as the addresses: tcp, udp, or the protocol's number",
        },
        saddr: { type: string, optional: true, from: "socket.saddr" },
        sport: { type: integer, optional: true, from: "socket.sport" },
        daddr: { type: string, optional: true, from: "socket.daddr" },
        dport: { type: integer, optional: true, from: "socket.dport" },
      },
    },
  },
  internal: { "socket.type": "it is a socket" },
  own: {
    fd: ownNumber(0, 2),
    "socket.daddr": ownAddress(1),
    "socket.dport": ownNumber(2, 0xffff),
    "socket.protocol": protocol(3),
    "socket.family": named(4, 255, FAMILIES),
  },
  rungs: [sysExit("stdio_redirect", "observes those that succeeded; kills before the process goes on")],
  members: (record) => `"fd":${record.fd},"old_fd":${record.from},"socket":${socket(record)}`,
  example: {
    ...{ fd: 0, old_fd: 3 },
    socket: {
      ...{ family: "ipv4", inode: 41312, protocol: "tcp", saddr: "127.0.0.1", sport: 40112 },
      ...{ daddr: "127.0.0.1", dport: 9001 },
    },
  },
  show: {
    ...{ emoji: "🔀", verb: "stdio" },
    detail: ({ fd, socket: { family, protocol: by, saddr, sport, daddr, dport } }) =>
      `${fd} = ${by === undefined ? family : `${by} ${saddr}:${sport} -> ${daddr}:${dport}`}`,
  },
});
