import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { ProcessSeedRecord } from "../generated/records.ts";
import { formatArguments, type Redact } from "./arguments.ts";
import type { Image } from "./entry.ts";
import { imageOf } from "./image.ts";
import { near, type Key, type ProcessTable } from "./table.ts";

const HEADER_BYTES = 16;
const NS_PER_TICK = 10_000_000n;

/**
 * Tells the table of the processes that the kernel's iterator lists: records laid end to end. What fork and exec have
 * told stays. `argumentsFrom` is where procfs is, for a kernel whose iterator cannot read arguments. Returns how many
 * records there were.
 * @throws RecordError when the bytes are no records.
 */
export function seedFromRecords(
  bytes: Uint8Array,
  table: ProcessTable,
  redact: Redact,
  argumentsFrom?: string,
): number {
  const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const record = new ProcessSeedRecord();
  let count = 0;
  for (let offset = 0; offset < data.length;) {
    const length = offset + HEADER_BYTES <= data.length ? data.readUInt32LE(offset + 4) : 0;
    record.at(data, offset, length);
    const key = { tgid: record.keyTgid, start: record.keyStart, selfExecId: record.keySelfExecId };
    const parent = { tgid: record.parentTgid, start: record.parentStart, selfExecId: record.parentSelfExecId };
    const image = imageOf(record, redact);
    const inProc = argumentsFrom === undefined ? "" : argumentsOf(`${argumentsFrom}/${key.tgid}`, key.start);
    const entry = table.seed(key, parent, inProc === "" ? image : { ...image, arguments: redact(inProc) });
    entry.cgroupId = record.cgroupId;
    entry.cgroupV1Id = record.cgroupV1Id;
    count++;
    offset += length;
  }
  table.adoptOrphans();
  return count;
}

/**
 * Tells the table of what stands in /proc and the table does not know: all processes when the iterator cannot run, and
 * those that it leaves out. Start times are in clock ticks here, until a record of the kernel brings the exact one.
 */
export function seedFromProc(table: ProcessTable, redact: Redact, proc = "/proc"): number {
  const found = new Map<number, Found>();
  for (const name of readdirSync(proc)) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || table.current(pid) !== undefined) continue;
    const process = readProcess(`${proc}/${name}`, redact);
    if (process !== undefined) found.set(pid, process);
  }
  for (const [pid, { start, parentPid, image }] of found) {
    const key = { tgid: pid, start, selfExecId: UNKNOWN };
    const parentStart = table.current(parentPid)?.start ?? found.get(parentPid)?.start;
    const parent = parentStart === undefined ? NO_PARENT : { tgid: parentPid, start: parentStart, selfExecId: UNKNOWN };
    table.seed(key, parent, image, { approximate: true });
  }
  table.adoptOrphans();
  return found.size;
}

interface Found {
  start: bigint;
  parentPid: number;
  image: Image;
}

/** Arguments of the process that has this pid, as long as it is still the one that started then. */
function argumentsOf(dir: string, start: bigint): string {
  const argv = orNothing(() => readFileSync(`${dir}/cmdline`, "utf8"));
  const stat = orNothing(() => readFileSync(`${dir}/stat`, "utf8"));
  return stat !== "" && near(startOf(fieldsOf(stat)), start) ? formatArguments(argv) : "";
}

/** See ProcessEntry.selfExecId. */
const UNKNOWN = -1;
const NO_PARENT: Key = { tgid: 0, start: 0n, selfExecId: 0 };

function readProcess(dir: string, redact: Redact): Found | undefined {
  try {
    const fields = fieldsOf(readFileSync(`${dir}/stat`, "utf8"));
    const status = readFileSync(`${dir}/status`, "utf8");
    const argv = readFileSync(`${dir}/cmdline`, "utf8");
    const image = {
      binary: orNothing(() => readlinkSync(`${dir}/exe`).replace(/ \(deleted\)$/, "")),
      arguments: redact(formatArguments(argv)),
      cwd: orNothing(() => readlinkSync(`${dir}/cwd`)),
      uid: Number(/^Uid:\s+(\d+)/m.exec(status)?.[1] ?? 0),
      auid: Number(orNothing(() => readFileSync(`${dir}/loginuid`, "utf8")) || 4294967295),
      tid: Number(fields[0] === undefined ? 0 : dir.slice(dir.lastIndexOf("/") + 1)),
      marks: "",
    };
    return { parentPid: Number(fields[1]), start: startOf(fields), image };
  } catch {
    return undefined; // it ended meanwhile
  }
}

/** What stands behind the name, which is in parentheses and may hold anything, parentheses too. */
function fieldsOf(stat: string): string[] {
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}

/** Ns since boot, in steps of a clock tick. */
function startOf(fields: readonly string[]): bigint {
  return BigInt(fields[19] ?? 0) * NS_PER_TICK;
}

function orNothing(read: () => string): string {
  try {
    return read();
  } catch {
    return "";
  }
}
