import type { ProcessEntry } from "../process/entry.ts";
import { formatExecId } from "../process/lookup.ts";
import { containerIdOf } from "../process/container.ts";
import type { CgroupPaths } from "../process/cgroups.ts";
import type { ProcessTable } from "../process/table.ts";
import type { WallClock } from "./clock.ts";
import { quote, quoteOrNull } from "./json.ts";

/** A chain longer than this is cut: nobody reads it, and every event would carry it. */
const ANCESTORS_MAX = 32;
const CGROUPS_MAX = 1024;

export interface ProcessJsonOptions {
  node: string;
  table: ProcessTable;
  clock: WallClock;
  /** The v2 hierarchy; undefined on a host without. */
  cgroups: CgroupPaths | undefined;
  /** The v1 hierarchy whose ids the records carry, where there is one. */
  cgroupsV1: CgroupPaths | undefined;
}

/** The parts of an event that tell of processes, as JSON text, kept with each process for its next event. */
export class ProcessJson {
  readonly #node: string;
  readonly #table: ProcessTable;
  readonly #clock: WallClock;
  readonly #cgroups: CgroupPaths | undefined;
  readonly #cgroupsV1: CgroupPaths | undefined;
  /** By v2 id, then by v1 id. */
  readonly #cgroupJson = new Map<number, Map<number, string>>();

  constructor(options: ProcessJsonOptions) {
    this.#node = options.node;
    this.#table = options.table;
    this.#clock = options.clock;
    this.#cgroups = options.cgroups;
    this.#cgroupsV1 = options.cgroupsV1;
  }

  execId(entry: ProcessEntry): string {
    if (entry.execId === "") entry.execId = formatExecId(this.#node, entry.start, entry.tgid, entry.selfExecId);
    return entry.execId;
  }

  /**
   * The members of a `Process`, without the braces around them. Made anew each time: kept with thousands of short-lived
   * processes they would be what the garbage collector spends its time on.
   */
  process(entry: ProcessEntry): string {
    const image = entry.image;
    const marks = image === null || image.marks === "" ? "" : ` ${image.marks}`;
    return (
      `"exec_id":"${this.execId(entry)}","parent_exec_id":${this.#parentExecId(entry)},"pid":${entry.tgid}` +
      `,"tid":${entry.origin === "execve" && image !== null ? image.tid : entry.tgid}` +
      `,"uid":${image?.uid ?? UNKNOWN_ID},"auid":${image?.auid ?? UNKNOWN_ID}` +
      `,"binary":${quote(image?.binary ?? "")},"arguments":${quote(image?.arguments ?? "")}` +
      `,"cwd":${quote(image?.cwd ?? "")},"start_time":"${this.#startTime(entry)}"` +
      `,"flags":"${entry.origin}${marks}",${this.#cgroup(entry.cgroupId, entry.cgroupV1Id)}`
    );
  }

  /** `"parent":...,"ancestors":[...]` of a process with this parent. */
  lineage(parent: ProcessEntry | null): string {
    if (parent === null) return '"parent":null,"ancestors":[]';
    if (parent.lineageVersion === this.#table.lineageVersion) return parent.lineageJson;
    let ancestors = "";
    let count = 0;
    for (let at = parent.parent; at !== null && count < ANCESTORS_MAX; at = at.parent, count++)
      ancestors += `${count === 0 ? "" : ","}${this.#ancestor(at)}`;
    parent.lineageJson = `"parent":${this.#reference(parent)},"ancestors":[${ancestors}]`;
    parent.lineageVersion = this.#table.lineageVersion;
    return parent.lineageJson;
  }

  #parentExecId(entry: ProcessEntry): string {
    if (entry.parentTgid === 0) return "null";
    const parent = entry.parent;
    const unknown = entry.parentSelfExecId === -1;
    if (
      parent !== null &&
      (unknown || parent.selfExecId === entry.parentSelfExecId) &&
      parent.tgid === entry.parentTgid
    )
      return `"${this.execId(parent)}"`;
    return `"${formatExecId(this.#node, entry.parentStart, entry.parentTgid, entry.parentSelfExecId)}"`;
  }

  #startTime(entry: ProcessEntry): string {
    if (entry.startTime === "") entry.startTime = this.#clock.format(entry.start);
    return entry.startTime;
  }

  #reference(entry: ProcessEntry): string {
    if (entry.referenceJson !== "") return entry.referenceJson;
    const image = entry.image;
    entry.referenceJson =
      `{"exec_id":"${this.execId(entry)}","pid":${entry.tgid},"uid":${image?.uid ?? UNKNOWN_ID}` +
      `,"binary":${quote(image?.binary ?? "")},"arguments":${quote(image?.arguments ?? "")}` +
      `,"cwd":${quote(image?.cwd ?? "")},"start_time":"${this.#startTime(entry)}"}`;
    return entry.referenceJson;
  }

  #ancestor(entry: ProcessEntry): string {
    if (entry.ancestorJson === "")
      entry.ancestorJson = `{"exec_id":"${this.execId(entry)}","pid":${entry.tgid},"binary":${quote(entry.image?.binary ?? "")}}`;
    return entry.ancestorJson;
  }

  /** Cgroup, container and pod. Docker's cgroup may stand in one hierarchy only: the one that names a container counts. */
  #cgroup(id: number, idV1: number): string {
    const known = this.#cgroupJson.get(id)?.get(idV1);
    if (known !== undefined) return known;
    let path = this.#cgroups?.path(id) ?? null;
    let container = path === null ? null : containerIdOf(path);
    if (container === null && idV1 !== 0) {
      const other = this.#cgroupsV1?.path(idV1) ?? null;
      const found = other === null ? null : containerIdOf(other);
      if (found !== null || path === null) [path, container] = [other, found];
    }
    const json =
      `"cgroup":{"id":${id},"path":${quoteOrNull(path)}},"container":` +
      (container === null ? "null" : `{"id":"${container}","name":null,"image":null,"labels":{},"service":null}`) +
      `,"pod":null`;
    if (path !== null) this.#keep(id, idV1, json);
    return json;
  }

  #keep(id: number, idV1: number, json: string): void {
    let byV1 = this.#cgroupJson.get(id);
    if (byV1 === undefined) {
      if (this.#cgroupJson.size >= CGROUPS_MAX) this.#cgroupJson.clear();
      this.#cgroupJson.set(id, (byV1 = new Map()));
    }
    if (byV1.size >= CGROUPS_MAX) byV1.clear();
    byV1.set(idV1, json);
  }
}

/** What the kernel itself says for an id that is none. */
const UNKNOWN_ID = 4294967295;
