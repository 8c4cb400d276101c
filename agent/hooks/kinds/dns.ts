import type { DnsEvent } from "../../../bus/generated/events.ts";
import { parseDns } from "../../events/dns.ts";
import type { DnsRecord } from "../../generated/records.ts";
import { defineKind, type KindRung } from "../define-kind.ts";
import { boolean, integer, list, object, string } from "../wire.ts";
import { PEER_FIELDS, SOCKET, socketJson } from "./shared/socket.ts";

const PROGRAMS = ["dns_connect4", "dns_connect6", "dns_sendmsg4", "dns_sendmsg6", "dns_egress", "dns_ingress"];

const CGROUP: KindRung = {
  ...{ name: "cgroup", programs: PROGRAMS, cgroup: true, actions: ["post", "noPost"] },
  worth: "observes messages to and from port 53 of sockets that were connected, or sent to an address, since",
};

export default defineKind<DnsRecord, DnsEvent>({
  kind: "dns",
  doc: "A process asked a DNS server, or was answered.",
  fields: {
    socket: {
      type: object("Socket"),
      doc: "the process's socket; its peer is the server, of questions and answers alike",
    },
    answer: { type: boolean, from: "answer" },
    size: { type: integer, from: "whole" },
    dns: {
      type: object("DnsMessage"),
      nullable: true,
      from: "message",
      doc: "what it says; null when it is no question and no answer to one",
    },
  },
  objects: {
    DnsMessage: {
      doc: "A DNS message.",
      fields: {
        id: { type: integer, doc: "by which an answer is known to belong to its question" },
        name: { type: string, doc: "what is asked for: in lower case, without the dot at its end; the root is `.`" },
        type: {
          type: string,
          doc: "kind of record that is asked for: A, AAAA, TXT; TYPE65280 for one that has no name",
        },
        code: {
          type: string,
          nullable: true,
          doc: "of an answer: NOERROR, NXDOMAIN, SERVFAIL ...; null in a question",
        },
        addresses: { type: list(string), doc: "addresses that the answer gives; at most 64" },
        targets: {
          type: list(string),
          doc: "names that the answer leads to (CNAME, MX, NS, PTR, SRV ...); at most 64",
        },
        truncated: {
          type: boolean,
          doc: "whether there is more than this: cut off by the server, or longer than 2048 bytes",
        },
      },
    },
  },
  internal: { "socket.": "as network_accept.socket", carried: "how much of the message is there" },
  own: PEER_FIELDS,
  rungs: [CGROUP],
  members: (record) => {
    const message = parseDns(record.messageRaw.subarray(0, record.carried), record.whole);
    return (
      `"socket":${socketJson(record)},"answer":${record.answer},"size":${record.whole}` +
      `,"dns":${message === undefined ? "null" : JSON.stringify(dnsJson(message))}`
    );
  },
  example: {
    socket: { ...SOCKET, protocol: "udp", daddr: "192.0.2.53", dport: 53 },
    ...{ answer: false, size: 33 },
    dns: {
      ...{ id: 4711, name: "example.org", type: "A", code: null, addresses: [], targets: [], truncated: false },
    },
  },
  show: {
    emoji: "📖",
    verb: "dns",
    detail: ({ dns, socket, answer, size }) => {
      if (dns === null) return `${size} bytes ${answer ? "from" : "to"} ${socket.daddr}`;
      const told = [...dns.targets, ...dns.addresses].join(" ");
      return `${dns.type} ${dns.name}${answer ? ` = ${dns.code}${told === "" ? "" : ` ${told}`}` : ` @${socket.daddr}`}`;
    },
  },
});

/** Whether it is an answer the event says by itself. */
function dnsJson({ answer: _answer, ...message }: NonNullable<ReturnType<typeof parseDns>>): object {
  return message;
}
