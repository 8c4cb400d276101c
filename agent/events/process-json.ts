import type { ProcessEntry } from "../process/entry.ts";
import { formatExecId } from "../process/lookup.ts";
import type { Container } from "../containers/container.ts";
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
  /** The container that a cgroup's path lies in. */
  containerAt: (path: string) => Container | null;
}

/** What a process's cgroup says of it. */
interface CgroupFacts {
  json: string;
  container: Container | null;
}

/** The parts of an event that tell of processes, as JSON text, kept with each process for its next event. */
export class ProcessJson {
  readonly #node: string;
  readonly #table: ProcessTable;
  readonly #clock: WallClock;
  readonly #cgroups: CgroupPaths | undefined;
  readonly #cgroupsV1: CgroupPaths | undefined;
  readonly #containerAt: (path: string) => Container | null;
  /** By v2 id, then by v1 id. */
  readonly #cgroupFacts = new Map<number, Map<number, CgroupFacts>>();

  constructor(options: ProcessJsonOptions) {
    this.#node = options.node;
    this.#table = options.table;
    this.#clock = options.clock;
    this.#cgroups = options.cgroups;
    this.#cgroupsV1 = options.cgroupsV1;
    this.#containerAt = options.containerAt;
  }

  execId(entry: ProcessEntry): string {
    if (entry.execId === "") entry.execId = formatExecId(this.#node, entry.start, entry.tgid, entry.selfExecId);
    return entry.execId;
  }

  /** The container that a process runs in. */
  containerOf(entry: ProcessEntry): Container | null {
    return this.#cgroup(entry.cgroupId, entry.cgroupV1Id).container;
  }

  /**
   * The members of a `Process`, without the braces around them. See EventGate for a container that is being asked for. Made
   * anew each time: kept with thousands of short-lived processes they would be what the garbage collector spends its time on.
   */
  process(entry: ProcessEntry): string {
    const { json, container } = this.#cgroup(entry.cgroupId, entry.cgroupV1Id);
    return `${this.#own(entry)},"cgroup":${json},"container":${container?.json ?? "null"},"pod":null`;
  }

  #own(entry: ProcessEntry): string {
    const image = entry.image;
    const marks = image === null || image.marks === "" ? "" : ` ${image.marks}`;
    return (
      `"exec_id":"${this.execId(entry)}","parent_exec_id":${this.#parentExecId(entry)},"pid":${entry.tgid}` +
      `,"tid":${entry.origin === "execve" && image !== null ? image.tid : entry.tgid}` +
      `,"uid":${image?.uid ?? UNKNOWN_ID},"auid":${image?.auid ?? UNKNOWN_ID}` +
      `,"binary":${quote(image?.binary ?? "")},"arguments":${quote(image?.arguments ?? "")}` +
      `,"cwd":${quote(image?.cwd ?? "")},"start_time":"${this.#startTime(entry)}"` +
      `,"flags":"${entry.origin}${marks}"`
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
    parent.lineageJson = `"parent":${this.reference(parent)},"ancestors":[${ancestors}]`;
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

  /** A `ParentRef`. */
  reference(entry: ProcessEntry): string {
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

  /** Docker's cgroup may stand in one hierarchy only: the one that names a container counts. */
  #cgroup(id: number, idV1: number): CgroupFacts {
    const known = this.#cgroupFacts.get(id)?.get(idV1);
    if (known !== undefined) return known;
    let path = this.#cgroups?.path(id) ?? null;
    let container = path === null ? null : this.#containerAt(path);
    if (container === null && idV1 !== 0) {
      const other = this.#cgroupsV1?.path(idV1) ?? null;
      const found = other === null ? null : this.#containerAt(other);
      if (found !== null || path === null) [path, container] = [other, found];
    }
    const facts = { json: `{"id":${id},"path":${quoteOrNull(path)}}`, container };
    if (path !== null) this.#keep(id, idV1, facts);
    return facts;
  }

  #keep(id: number, idV1: number, facts: CgroupFacts): void {
    let byV1 = this.#cgroupFacts.get(id);
    if (byV1 === undefined) {
      if (this.#cgroupFacts.size >= CGROUPS_MAX) this.#cgroupFacts.clear();
      this.#cgroupFacts.set(id, (byV1 = new Map()));
    }
    if (byV1.size >= CGROUPS_MAX) byV1.clear();
    byV1.set(idV1, facts);
  }
}

/** What the kernel itself says for an id that is none. */
const UNKNOWN_ID = 4294967295;
