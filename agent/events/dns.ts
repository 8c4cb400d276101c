import { formatIpv4, formatIpv6 } from "./address.ts";

/** What a DNS message says, as far as it was carried. */
export interface DnsMessage {
  id: number;
  answer: boolean;
  /** `NOERROR`, `NXDOMAIN`; null in a query. */
  code: string | null;
  /** Of the first question, in lower case, without the dot at the end; the root is ".". */
  name: string;
  /** `A`, `AAAA`, or `TYPE65280`. */
  type: string;
  /** Of the answers, in their order. */
  addresses: string[];
  /** Where names lead on to: CNAME, DNAME, PTR, MX, NS, SRV, SVCB, HTTPS. */
  targets: string[];
  /** The message, or what was carried of it, ends before its answers do, or the server cut it off. */
  truncated: boolean;
}

const HEADER_BYTES = 12;
const QUESTION_BYTES = 4;
/** Type, class, time to live and length of a record's data. */
const RECORD_BYTES = 10;
const NAME_BYTES = 255;
/** No more of an answer is told. */
const LISTED = 64;
const CLASS_INTERNET = 1;
const MDNS_FLUSH = 0x8000;

const CODES = ["NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "YXDOMAIN", "YXRRSET", "NXRRSET"];
CODES.push("NOTAUTH", "NOTZONE", "DSOTYPENI");

const TYPES: Readonly<Record<number, string>> = {
  ...{ 1: "A", 2: "NS", 5: "CNAME", 6: "SOA", 10: "NULL", 12: "PTR", 13: "HINFO", 15: "MX", 16: "TXT", 28: "AAAA" },
  ...{ 29: "LOC", 33: "SRV", 35: "NAPTR", 39: "DNAME", 41: "OPT", 43: "DS", 44: "SSHFP", 46: "RRSIG", 47: "NSEC" },
  ...{
    48: "DNSKEY",
    50: "NSEC3",
    52: "TLSA",
    64: "SVCB",
    65: "HTTPS",
    251: "IXFR",
    252: "AXFR",
    255: "ANY",
    257: "CAA",
  },
};

/** Bytes of a record's data before the name that it leads to. */
const TARGET_AT: Readonly<Record<string, number>> = {
  ...{ CNAME: 0, DNAME: 0, PTR: 0, NS: 0, MX: 2, SRV: 6, SVCB: 2, HTTPS: 2 },
};

/**
 * Reads a message of which `bytes` are the first, `length` it had in whole. Undefined when it is none: no header, not a
 * query, or a first question that does not end. Never throws.
 */
export function parseDns(bytes: Uint8Array, length = bytes.length): DnsMessage | undefined {
  if (bytes.length < HEADER_BYTES) return undefined;
  const u16 = (at: number) => (bytes[at]! << 8) | bytes[at + 1]!;
  const flags = u16(2);
  const opcode = (flags >> 11) & 15;
  if (opcode !== 0 || u16(4) !== 1) return undefined;
  const question = readName(bytes, HEADER_BYTES);
  if (question === undefined || question.end + QUESTION_BYTES > bytes.length) return undefined;
  const answer = (flags & 0x8000) !== 0;
  const message: DnsMessage = {
    id: u16(0),
    answer,
    code: answer ? (CODES[flags & 15] ?? `RCODE${flags & 15}`) : null,
    name: question.name,
    type: typeName(u16(question.end)),
    addresses: [],
    targets: [],
    truncated: (flags & 0x0200) !== 0,
  };
  if (answer && !readAnswers(bytes, question.end + QUESTION_BYTES, u16(6), message)) message.truncated = true;
  if (bytes.length < length) message.truncated = true;
  return message;
}

/** Whether all of the answers were there. */
function readAnswers(bytes: Uint8Array, from: number, count: number, into: DnsMessage): boolean {
  const u16 = (at: number) => (bytes[at]! << 8) | bytes[at + 1]!;
  let at = from;
  for (let left = count; left > 0; left--) {
    const owner = readName(bytes, at);
    if (owner === undefined || owner.end + RECORD_BYTES > bytes.length) return false;
    const data = owner.end + RECORD_BYTES;
    const end = data + u16(owner.end + 8);
    if (end > bytes.length) return false;
    if ((u16(owner.end + 2) & ~MDNS_FLUSH) === CLASS_INTERNET && !readData(bytes, u16(owner.end), data, end, into))
      return false;
    at = end;
  }
  return true;
}

/** What counts of a record's data; false when there is no more room to tell it. */
function readData(bytes: Uint8Array, type: number, data: number, end: number, into: DnsMessage): boolean {
  const name = typeName(type);
  const targetAt = TARGET_AT[name];
  if (into.addresses.length >= LISTED || into.targets.length >= LISTED) return false;
  if (name === "A" && end - data === 4) into.addresses.push(formatIpv4(bytes, data));
  else if (name === "AAAA" && end - data === 16) into.addresses.push(formatIpv6(bytes, data));
  else if (targetAt !== undefined) {
    const target = readName(bytes.subarray(0, end), data + targetAt);
    if (target !== undefined) into.targets.push(target.name);
  }
  return true;
}

function typeName(type: number): string {
  return TYPES[type] ?? `TYPE${type}`;
}

/**
 * The name at `at`, and where what follows it begins. A pointer leads backwards only, so that no name goes in circles.
 * Undefined when it leaves the message, is longer than a name may be, or has a label of another kind.
 */
function readName(bytes: Uint8Array, at: number): { name: string; end: number } | undefined {
  const labels: string[] = [];
  let end: number | undefined;
  let lowest = at;
  let length = 0;
  for (let here = at; here < bytes.length;) {
    const head = bytes[here]!;
    if (head === 0) return { name: labels.length === 0 ? "." : labels.join("."), end: end ?? here + 1 };
    if (head >= 0xc0) {
      if (here + 1 >= bytes.length) return undefined;
      end ??= here + 2;
      here = ((head & 0x3f) << 8) | bytes[here + 1]!;
      if (here >= lowest) return undefined;
      lowest = here;
      continue;
    }
    length += head + 1;
    if (head >= 0x40 || here + head >= bytes.length || length >= NAME_BYTES) return undefined;
    labels.push(label(bytes, here + 1, here + 1 + head));
    here += head + 1;
  }
  return undefined;
}

/** A label as RFC 1035 (5.1) writes it; letters in lower case, since case means nothing in names. */
function label(bytes: Uint8Array, from: number, to: number): string {
  let text = "";
  for (let at = from; at < to; at++) {
    const byte = bytes[at]!;
    if (byte >= 0x41 && byte <= 0x5a) text += String.fromCharCode(byte + 0x20);
    else if (byte === 0x2e || byte === 0x5c) text += `\\${String.fromCharCode(byte)}`;
    else if (byte <= 0x20 || byte >= 0x7f) text += `\\${String(byte).padStart(3, "0")}`;
    else text += String.fromCharCode(byte);
  }
  return text;
}
