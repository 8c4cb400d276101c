import {
  PROCESS_FLAG,
  type ProcessExecRecord,
  SOCKET_FAMILY,
  SOCKET_FAMILY_NAMES,
  STDIO_TYPE,
  STDIO_TYPE_NAMES,
} from "../generated/records.ts";
import { formatIpv4, formatIpv6, protocolName } from "./address.ts";
import { quote, quoteOrNull } from "./json.ts";
import { capabilityNames } from "./names.ts";

const S_ISUID = 0o4000;
const S_ISGID = 0o2000;
const S_IXGRP = 0o0010;
const CACHE_MAX = 512;
/**
 * What an exec event's process has beyond `Process`: members from `"tty"` to `"previous"`, without braces. `replaced` is
 * the binary that the process table knows it ran before, "" when none is known.
 */
export function execMembers(record: ProcessExecRecord, replaced: string): string {
  const flags = record.flags;
  const tty = ttyName(record.tty);
  const script = (flags & PROCESS_FLAG.interpreted) !== 0 ? record.script : "";
  const previous = record.previousLen > 0 ? record.previous : replaced;
  return (
    `"tty":${quoteOrNull(tty)},"script":${script === "" ? "null" : quote(script)}` +
    `,"stdio":[${stdio(record)}],${capabilities(record)},${namespaces(record)},${credentials(record)}` +
    `,"binary_properties":${binaryProperties(record, flags)}` +
    `,"previous":${previous === "" ? "null" : `{"binary":${quote(previous)}}`}`
  );
}

/** The kernel calls a pseudo terminal pts0, everybody else pts/0. */
const PTS = /^pts(\d+)$/;

export function ttyName(name: string): string | null {
  return name === "" ? null : name.replace(PTS, "pts/$1");
}

function stdio(record: ProcessExecRecord): string {
  let out = "";
  for (let fd = 0; fd < 3; fd++) {
    const type = record.stdioType(fd);
    if (type === STDIO_TYPE.closed) continue;
    const comma = out === "" ? "" : ",";
    out += `${comma}{"fd":${fd},"type":"${STDIO_TYPE_NAMES[type] ?? "other"}","inode":${record.stdioInode(fd)}`;
    out += type === STDIO_TYPE.socket ? `${socket(record, fd)}}` : "}";
  }
  return out;
}

/** IPv4 peers of an IPv6 socket are shown as what they are. */
function socket(record: ProcessExecRecord, fd: number): string {
  const family = record.stdioFamily(fd);
  if (family !== SOCKET_FAMILY.ipv4 && family !== SOCKET_FAMILY.ipv6)
    return `,"family":"${family === SOCKET_FAMILY.unix ? SOCKET_FAMILY_NAMES[family] : "other"}"`;
  const source = record.stdioSaddr(fd);
  const peer = record.stdioDaddr(fd);
  const mapped = family === SOCKET_FAMILY.ipv6 && isMapped(peer) && (isMapped(source) || isZero(source));
  const show = (bytes: Buffer) => {
    if (mapped) return formatIpv4(bytes, 12);
    return family === SOCKET_FAMILY.ipv4 ? formatIpv4(bytes) : formatIpv6(bytes);
  };
  return (
    `,"family":"${mapped ? "ipv4" : SOCKET_FAMILY_NAMES[family]}","protocol":"${protocolName(record.stdioProtocol(fd))}"` +
    `,"saddr":"${show(source)}","sport":${record.stdioSport(fd)},"daddr":"${show(peer)}","dport":${record.stdioDport(fd)}`
  );
}

/** ::ffff:0:0/96. */
function isMapped(bytes: Buffer): boolean {
  for (let i = 0; i < 10; i++) if (bytes[i] !== 0) return false;
  return bytes[10] === 0xff && bytes[11] === 0xff;
}

function isZero(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 0);
}

const capabilityTexts = new Map<number, string>();

function capabilityList(set: number): string {
  return capabilityTexts.get(set) ?? keep(capabilityTexts, set, JSON.stringify(capabilityNames(set)));
}

function capabilities(record: ProcessExecRecord): string {
  return (
    `"cap":{"effective":${capabilityList(record.credentialsCapEffective)}` +
    `,"permitted":"${capabilityBits(record.credentialsCapPermitted)}"` +
    `,"inheritable":"${capabilityBits(record.credentialsCapInheritable)}"}`
  );
}

const bitTexts = new Map<number, string>();

function capabilityBits(set: number): string {
  return bitTexts.get(set) ?? keep(bitTexts, set, set.toString(16).padStart(16, "0"));
}

function namespaces(record: ProcessExecRecord): string {
  return (
    `"ns":{"uts":${record.namespacesUts},"ipc":${record.namespacesIpc},"mnt":${record.namespacesMnt}` +
    `,"pid":${record.namespacesPid},"pid_for_children":${record.namespacesPidForChildren},"net":${record.namespacesNet}` +
    `,"time":${record.namespacesTime},"cgroup":${record.namespacesCgroup},"user":${record.namespacesUser}}`
  );
}

function credentials(record: ProcessExecRecord): string {
  return (
    `"credentials":{"uid":${record.credentialsUid},"gid":${record.credentialsGid},"euid":${record.credentialsEuid}` +
    `,"egid":${record.credentialsEgid},"suid":${record.credentialsSuid},"sgid":${record.credentialsSgid}` +
    `,"fsuid":${record.credentialsFsuid},"fsgid":${record.credentialsFsgid},"securebits":${record.credentialsSecurebits}}`
  );
}

function binaryProperties(record: ProcessExecRecord, flags: number): string {
  const mode = record.fileMode;
  // without group execute the set-group-id bit once meant mandatory locking: it raises nothing
  const setgid = (mode & S_ISGID) !== 0 && (mode & S_IXGRP) !== 0;
  return (
    `{"inode":${record.fileInode},"device":"${record.fileDeviceMajor}:${record.fileDeviceMinor}","links":${record.fileLinks}` +
    `,"setuid":${(mode & S_ISUID) !== 0 ? record.fileUid : "null"},"setgid":${setgid ? record.fileGid : "null"}` +
    `,"privileges_raised":${(flags & PROCESS_FLAG.privileges_raised) !== 0}` +
    `,"deleted":${(flags & PROCESS_FLAG.binary_deleted) !== 0},"memfd":${(flags & PROCESS_FLAG.memfd) !== 0}` +
    `,"upper":${(flags & PROCESS_FLAG.upper) !== 0}}`
  );
}

function keep(cache: Map<number, string>, key: number, text: string): string {
  if (cache.size >= CACHE_MAX) cache.clear();
  cache.set(key, text);
  return text;
}
