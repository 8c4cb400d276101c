import type { Config } from "../bus/config/settings.ts";
import type { Logger } from "../bus/log.ts";
import { Containers } from "./containers/containers.ts";
import { EventGate } from "./containers/event-gate.ts";
import { scopedContainers } from "./containers/scoped.ts";
import type { EventFilter } from "./demand/event-filter.ts";
import { DrainLoop } from "./drain.ts";
import type { WallClock } from "./events/clock.ts";
import { Acts } from "./events/acts.ts";
import { Denials } from "./events/denials.ts";
import type { DenyingSelector } from "./events/denial-json.ts";
import { ProcessJson } from "./events/process-json.ts";
import { RecordHandler } from "./events/record-handler.ts";
import { CGROUP_CHANGE, type CgroupRecord } from "./generated/records.ts";
import type { Hooks } from "./hooks/hooks.ts";
import { RingReader } from "./kernel/ring.ts";
import { RingSleep } from "./kernel/ring-sleep.ts";
import { redactor } from "./process/arguments.ts";
import { cgroup1Root, CgroupPaths } from "./process/cgroups.ts";
import { TableLookup } from "./process/lookup.ts";
import { seedFromProc, seedFromRecords } from "./process/seed.ts";
import { ProcessTable } from "./process/table.ts";
import { verifyLiving } from "./process/verify.ts";
import type { EventBatcher } from "./publish/batcher.ts";
import type { ContainerLookup } from "./selectors/container-scopes.ts";

export interface ObserverOptions {
  config: Config;
  hooks: Hooks;
  batcher: EventBatcher;
  clock: WallClock;
  /** Which events are worth being written. */
  filter: EventFilter;
  log: Logger;
  ringBytes: number;
  /** The v2 hierarchy's mount; undefined where there is none. */
  cgroupRoot: string | undefined;
  /** The selector behind a denial record. */
  describe: (install: number, selector: number) => DenyingSelector | undefined;
  /** Scopes may mean other containers than they did, or other cgroups. */
  onContainers: () => void;
}

/** From the ring to the batches: reads records, keeps the process table, makes events. */
export class Observer {
  readonly table: ProcessTable;
  readonly lookup: TableLookup;
  readonly records: RecordHandler;
  readonly denials: Denials;
  readonly acts: Acts;
  readonly loop: DrainLoop;
  readonly containers: Containers;
  readonly gate: EventGate;
  /** The containers as the selectors see them. */
  readonly scopedContainers: ContainerLookup;
  readonly #options: ObserverOptions;
  readonly #ring: RingReader;
  readonly #sleep: RingSleep;
  readonly #cgroups: CgroupPaths | undefined;
  readonly #cgroupsV1: CgroupPaths | undefined;
  #containersChanged = false;

  /** The process hooks must be attached: what happens from now on waits in the ring. */
  constructor(options: ObserverOptions) {
    this.#options = options;
    const { config, hooks, batcher, clock, filter, log } = options;
    this.table = new ProcessTable({ max: config.agent.process_table_max });
    this.#cgroups = options.cgroupRoot === undefined ? undefined : new CgroupPaths(options.cgroupRoot);
    const v1 = cgroup1Root();
    this.#cgroupsV1 = v1 === undefined ? undefined : new CgroupPaths(v1.root);
    this.gate = new EventGate((kind, time, members) => batcher.add(kind, time, members));
    this.containers = new Containers({
      sockets: config.agent.container_sockets,
      bundles: config.agent.container_bundles,
      waitMs: config.agent.container_wait_ms,
      cgroupRoot: options.cgroupRoot,
      onDecided: (container) => {
        this.gate.release(container);
        this.loop.wake();
        // a drain sends what it brings when it is through
        if (!this.loop.draining) batcher.flushDue();
      },
      onChanged: () => this.#sayContainers(),
      log,
    });
    const json = new ProcessJson({
      node: config.node,
      table: this.table,
      clock,
      cgroups: this.#cgroups,
      cgroupsV1: this.#cgroupsV1,
      containerAt: (path) => this.containers.at(path),
    });
    const rungOf = (hook: string) => hooks.rungOf(hook);
    this.denials = new Denials({ table: this.table, json, gate: this.gate, describe: options.describe, rungOf });
    this.acts = new Acts({ table: this.table, json, gate: this.gate, filter, rungOf });
    this.records = new RecordHandler({
      table: this.table,
      json,
      gate: this.gate,
      filter,
      redact: redactor(config.agent.redact),
      rung: hooks.processRung,
      onDenial: this.denials.handle,
      onCgroup: (record) => this.#onCgroup(record),
      onAct: this.acts.handle,
    });
    this.#ring = new RingReader(hooks.maps.fd("events")!, options.ringBytes);
    this.#sleep = new RingSleep(hooks.maps.fd("events")!, hooks.maps.fd("agent_asleep")!);
    this.loop = new DrainLoop({
      ring: this.#ring,
      onRecord: this.records.handle,
      afterDrain: () => {
        this.table.sweep(clock.now());
        if (this.#containersChanged) this.#tellContainers();
        batcher.flushDue();
      },
      intervalMs: config.agent.drain_ms,
      onError: (err) => log.error({ err }, "a drain of the ring failed"),
      sleep: this.#sleep,
      beforeSleep: () => batcher.flushQuiet(),
    });
    this.scopedContainers = scopedContainers(this.containers, options.cgroupRoot ?? "");
    this.lookup = new TableLookup(config.node, this.table, () => void this.loop.drainNow());
  }

  /** Learns what runs already. */
  seed(): void {
    const { hooks, log, config } = this.#options;
    const redact = redactor(config.agent.redact);
    let fromKernel = 0;
    try {
      const { records, withArguments } = hooks.readSeed();
      fromKernel = seedFromRecords(records, this.table, redact, withArguments ? undefined : "/proc");
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

  /** Forgets processes whose time is over also while nothing happens. */
  sweep(): void {
    this.table.sweep(this.#options.clock.now());
  }

  /** Only after the loop was stopped. */
  close(): void {
    this.#sleep.close();
    this.containers.close();
    this.#ring.close();
    this.#cgroups?.close();
    this.#cgroupsV1?.close();
  }

  #onCgroup(record: CgroupRecord): void {
    const v2 = record.hierarchy === 0;
    const { id } = record;
    const paths = v2 ? this.#cgroups : this.#cgroupsV1;
    const path = record.path === "" ? (paths?.path(id) ?? "") : record.path;
    if (path === "") return;
    if (record.change === CGROUP_CHANGE.made) {
      paths?.learn(id, path);
      this.containers.cgroupMade(id, path, v2);
    } else {
      this.containers.cgroupRemoved(id, path);
    }
  }

  /** At once, but never in the middle of a drain, and once for all that comes together. */
  #sayContainers(): void {
    if (this.#containersChanged) return;
    this.#containersChanged = true;
    if (!this.loop.draining) setImmediate(() => this.#tellContainers());
  }

  #tellContainers(): void {
    if (!this.#containersChanged) return;
    this.#containersChanged = false;
    this.#options.onContainers();
  }
}
