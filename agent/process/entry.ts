/** What one exec made of a process; shared by the copies that fork makes of it. Never changed. */
export interface Image {
  readonly binary: string;
  /** After redaction. */
  readonly arguments: string;
  readonly cwd: string;
  readonly uid: number;
  readonly auid: number;
  /** Thread that called exec. */
  readonly tid: number;
  /** Words for what is unusual: binary_deleted, kernel_thread ... joined by spaces. */
  readonly marks: string;
}

/** How the table came to know a process's image. `unknown`: the records that would tell were lost. */
export type Origin = "execve" | "clone" | "seed" | "unknown";

/** One process from fork to exit, and beyond for as long as its children refer to it. */
export class ProcessEntry {
  readonly tgid: number;
  /** Start of the thread group leader, ns since boot. */
  start: bigint;
  /** `start` comes from /proc, in clock ticks; the kernel's own replaces it at first sight. */
  approximate = false;
  /** The kernel's count of execs; -1 while it is not known, for a process found in /proc. */
  selfExecId: number;
  origin: Origin;
  image: Image | null;
  cgroupId = 0;
  cgroupV1Id = 0;
  /** Real parent, as far as it is known. */
  parent: ProcessEntry | null = null;
  // the parent's image when this process was forked, or ran its exec; tgid 0 when it has none
  parentTgid = 0;
  parentStart = 0n;
  parentSelfExecId = 0;
  /** The process that it is a copy of: lineage that reparenting does not change. */
  source: ProcessEntry | null = null;
  /** Entries whose parent or source this is. */
  refs = 0;
  /** When its last thread went, ns since boot; null while it lives. */
  exitedAt: bigint | null = null;
  /** In the queue of the dead that are kept for a while. */
  lingering = false;
  /** Entry of an earlier process with the same pid. */
  older: ProcessEntry | null = null;

  // texts made when first needed; emptied when what they show changes
  execId = "";
  startTime = "";
  referenceJson = "";
  ancestorJson = "";
  lineageJson = "";
  lineageVersion = -1;

  constructor(tgid: number, start: bigint, selfExecId: number, origin: Origin, image: Image | null) {
    this.tgid = tgid;
    this.start = start;
    this.selfExecId = selfExecId;
    this.origin = origin;
    this.image = image;
  }

  get alive(): boolean {
    return this.exitedAt === null;
  }

  /** Forgets the texts, because image or key changed. */
  changed(): void {
    this.execId = "";
    this.startTime = "";
    this.referenceJson = "";
    this.ancestorJson = "";
    this.lineageVersion = -1;
  }
}
