import type { Because } from "../../bus/types/selector.ts";
import {
  DENIAL_ACTION_NAMES,
  DENIAL_FLAG,
  DENIAL_HOOK_NAMES,
  DENIAL_MODE_NAMES,
  type DenialRecord,
  SOCKET_FAMILY,
} from "../generated/records.ts";
import type { ProcessEntry } from "../process/entry.ts";
import { KINDS } from "../generated/kinds.ts";
import { formatIpv4, formatIpv6, protocolName } from "./address.ts";
import { fileJson } from "./file-json.ts";
import { quote } from "./json.ts";
import type { ProcessJson } from "./process-json.ts";

/** What is known of the selector behind a denial. */
export interface DenyingSelector {
  id: string;
  priority: number;
  because: Because;
}

/** A denial event's members after `time`, without braces. `rung` is how its hook is attached. */
export function denialMembers(
  record: DenialRecord,
  entry: ProcessEntry,
  selector: DenyingSelector,
  rung: string,
  json: ProcessJson,
): string {
  return (
    `"rung":"${rung}","process":{${json.process(entry)}},${json.lineage(entry.parent)}` +
    `,"selector":${quote(selector.id)},"policy":${quote(policyOf(selector.because))}` +
    `,"hook":"${DENIAL_HOOK_NAMES[record.hook] ?? "unknown"}","mode":"${DENIAL_MODE_NAMES[record.mode] ?? "monitor"}"` +
    `,"action":"${actionName(record.action)}","priority":${selector.priority},"count":${record.count}` +
    `,"undecided":${(record.flags & DENIAL_FLAG.undecided) !== 0}` +
    `,"because":${JSON.stringify(selector.because)},"socket":${socket(record)}` +
    `,"file":${record.pathLen === 0 ? "null" : fileJson(record)}`
  );
}

/** Who wants it: a policy, or the person that added the selector. */
function policyOf(because: Because): string {
  return because.policy ?? because.person ?? because.decision ?? "";
}

function actionName(action: number): string {
  const name: string = DENIAL_ACTION_NAMES[action] ?? "unknown";
  return name === "no_post" ? "noPost" : name;
}

/** Hooks that are about the local end of a socket. */
const LOCAL: ReadonlySet<string> = new Set(KINDS.filter(({ local }) => local).map(({ kind }) => kind));

function socket(record: DenialRecord): string {
  const family = record.family;
  if (family !== SOCKET_FAMILY.ipv4 && family !== SOCKET_FAMILY.ipv6) return "null";
  const address = family === SOCKET_FAMILY.ipv4 ? formatIpv4(record.daddr) : formatIpv6(record.daddr);
  const end = LOCAL.has(DENIAL_HOOK_NAMES[record.hook] ?? "") ? "s" : "d";
  return (
    `{"family":"${family === SOCKET_FAMILY.ipv4 ? "ipv4" : "ipv6"}","protocol":"${protocolName(record.protocol)}"` +
    `,"${end}addr":"${address}","${end}port":${record.dport}}`
  );
}
