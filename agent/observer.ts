import type { Config } from "../bus/config/settings.ts";
import type { Logger } from "../bus/log.ts";
import { DrainLoop } from "./drain.ts";
import type { WallClock } from "./events/clock.ts";
import { Denials } from "./events/denials.ts";
import type { DenyingSelector } from "./events/denial-json.ts";
import { FileOpens } from "./events/file-opens.ts";
import { ProcessJson } from "./events/process-json.ts";
import { RecordHandler } from "./events/record-handler.ts";
import type { Hooks } from "./hooks/hooks.ts";
import { RingReader } from "./kernel/ring.ts";
import { redactor } from "./process/arguments.ts";
import { cgroup1Root, CgroupPaths } from "./process/cgroups.ts";
import { TableLookup } from "./process/lookup.ts";
import { seedFromProc, seedFromRecords } from "./process/seed.ts";
import { ProcessTable } from "./process/table.ts";
import { verifyLiving } from "./process/verify.ts";
import type { EventBatcher } from "./publish/batcher.ts";

export interface ObserverOptions {
  config: Config;
  hooks: Hooks;
  batcher: EventBatcher;
  clock: WallClock;
  log: Logger;
  ringBytes: number;
  /** The v2 hierarchy's mount; undefined where there is none. */
  cgroupRoot: string | undefined;
  /** The selector behind a denial record. */
  describe: (install: number, selector: number) => DenyingSelector | undefined;
}

/** From the ring to the batches: reads records, keeps the process table, makes events. */
export class Observer {
  readonly table: ProcessTable;
  readonly lookup: TableLookup;
  readonly records: RecordHandler;
  readonly denials: Denials;
  readonly loop: DrainLoop;
  readonly #options: ObserverOptions;
  readonly #ring: RingReader;
  readonly #cgroups: CgroupPaths | undefined;
  readonly #cgroupsV1: CgroupPaths | undefined;

  /** The process hooks must be attached: what happens from now on waits in the ring. */
  constructor(options: ObserverOptions) {
    this.#options = options;
    const { config, hooks, batcher, clock, log } = options;
    this.table = new ProcessTable({ max: config.agent.process_table_max });
    this.#cgroups = options.cgroupRoot === undefined ? undefined : new CgroupPaths(options.cgroupRoot);
    const v1 = cgroup1Root();
    this.#cgroupsV1 = v1 === undefined ? undefined : new CgroupPaths(v1.root);
    const json = new ProcessJson({
      node: config.node,
      table: this.table,
      clock,
      cgroups: this.#cgroups,
      cgroupsV1: this.#cgroupsV1,
    });
    const rungOf = (hook: string) => hooks.rungOf(hook);
    this.denials = new Denials({ table: this.table, json, batcher, describe: options.describe, rungOf });
    const opens = new FileOpens({ table: this.table, json, batcher, rung: () => rungOf("file_open") });
    this.records = new RecordHandler({
      table: this.table,
      json,
      batcher,
      redact: redactor(config.agent.redact),
      rung: hooks.processRung,
      onDenial: this.denials.handle,
      onFileOpen: opens.handle,
    });
    this.#ring = new RingReader(hooks.maps.fd("events")!, options.ringBytes);
    this.loop = new DrainLoop({
      ring: this.#ring,
      onRecord: this.records.handle,
      afterDrain: () => {
        this.table.sweep(clock.now());
        batcher.flushDue();
      },
      intervalMs: config.agent.drain_ms,
      onError: (err) => log.error({ err }, "a drain of the ring failed"),
    });
    this.lookup = new TableLookup(config.node, this.table, () => void this.loop.drainNow());
  }

  /** Learns what runs already. */
  seed(): void {
    const { hooks, log, config } = this.#options;
    const redact = redactor(config.agent.redact);
    let fromKernel = 0;
    try {
      fromKernel = seedFromRecords(hooks.readSeed(), this.table, redact);
    } catch (err) {
      log.warn({ err }, "the kernel's iterator cannot seed the process table; /proc does");
    }
    const fromProc = seedFromProc(this.table, redact);
    log.info({ from_kernel: fromKernel, from_proc: fromProc }, "process table seeded");
  }

  /** Marks dead what went without a record. */
  verify(): void {
    const gone = verifyLiving(this.table, this.#options.clock.now());
    if (gone > 0) this.#options.log.info({ gone }, "processes were gone without an exit record");
  }

  get pendingBytes(): number {
    return this.#ring.pending();
  }

  close(): void {
    this.loop.stop();
    this.#ring.close();
    this.#cgroups?.close();
    this.#cgroupsV1?.close();
  }
}
