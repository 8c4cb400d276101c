import { formatIpv4, formatIpv6, protocolName } from "../../../events/address.ts";
import { ownAddress, ownNumber, type OwnField, protocol } from "../../../selectors/hooks/define.ts";

/** FAMILY_IPV4 of bpf/include/process.h. */
const IPV4 = 2;

/** What records with a `struct socket_name socket` have; the names are those of their getters. */
export interface SocketParts {
  socketFamily: number;
  socketProtocol: number;
  socketSport: number;
  socketDport: number;
  socketSaddr: Uint8Array;
  socketDaddr: Uint8Array;
}

function local(record: SocketParts): string {
  const ipv4 = record.socketFamily === IPV4;
  const saddr = ipv4 ? formatIpv4(record.socketSaddr) : formatIpv6(record.socketSaddr);
  return (
    `"family":"${ipv4 ? "ipv4" : "ipv6"}","protocol":"${protocolName(record.socketProtocol)}"` +
    `,"saddr":"${saddr}","sport":${record.socketSport}`
  );
}

/** A `Socket` as JSON. */
export function socketJson(record: SocketParts): string {
  const daddr = record.socketFamily === IPV4 ? formatIpv4(record.socketDaddr) : formatIpv6(record.socketDaddr);
  return `{${local(record)},"daddr":"${daddr}","dport":${record.socketDport}}`;
}

/** A `LocalSocket` as JSON. */
export function localSocketJson(record: SocketParts): string {
  return `{${local(record)}}`;
}

/** Selectors' fields of the hooks about both ends: enum socket_operand of bpf/include/socket_run.h. */
export const SOCKET_FIELDS: Readonly<Record<string, OwnField>> = {
  "socket.daddr": ownAddress(0),
  "socket.dport": ownNumber(1, 0xffff),
  "socket.protocol": protocol(2),
  "socket.saddr": ownAddress(3),
  "socket.sport": ownNumber(4, 0xffff),
};

/** Of those about the peer alone. */
export const PEER_FIELDS: Readonly<Record<string, OwnField>> = {
  "socket.daddr": ownAddress(0),
  "socket.dport": ownNumber(1, 0xffff),
  "socket.protocol": protocol(2),
};

/** Of those about the local end alone: enum local_operand. */
export const LOCAL_FIELDS: Readonly<Record<string, OwnField>> = {
  "socket.saddr": ownAddress(0),
  "socket.sport": ownNumber(1, 0xffff),
  "socket.protocol": protocol(2),
};

/** An ordinary `Socket`: of a client. */
export const SOCKET = {
  ...{ family: "ipv4", protocol: "tcp", saddr: "192.0.2.10", sport: 41000, daddr: "198.51.100.7", dport: 443 },
};

/** Of a server. */
export const SERVED_SOCKET = {
  ...{ family: "ipv4", protocol: "tcp", saddr: "192.0.2.10", sport: 8080, daddr: "198.51.100.7", dport: 41000 },
};

/** An ordinary `LocalSocket`. */
export const LOCAL_SOCKET = { family: "ipv4", protocol: "tcp", saddr: "192.0.2.10", sport: 8080 };

/** `tcp 192.0.2.10:41000`, with the address in brackets where it has colons. */
export function localText(socket: { protocol: string; saddr: string; sport: number }): string {
  return `${socket.protocol} ${endText(socket.saddr, socket.sport)}`;
}

/** `tcp 192.0.2.10:41000 -> 198.51.100.7:443` */
export function socketText(socket: {
  protocol: string;
  saddr: string;
  sport: number;
  daddr: string;
  dport: number;
}): string {
  return `${localText(socket)} -> ${endText(socket.daddr, socket.dport)}`;
}

function endText(address: string, port: number): string {
  return `${address.includes(":") ? `[${address}]` : address}:${port}`;
}
