import { join } from "node:path";
import { bootId } from "../bus/boot.ts";
import { AgentBus } from "../bus/clients/agent.ts";
import type { Config } from "../bus/config/settings.ts";
import type { BusConnection } from "../bus/connection.ts";
import type { Logger } from "../bus/log.ts";
import type { NodeStatus } from "../bus/types/status.ts";
import { connectCgroup } from "./connect-cgroup.ts";
import { EventFilter } from "./demand/event-filter.ts";
import { Tiers } from "./demand/tiers.ts";
import { DesiredState } from "./desired/desired-state.ts";
import { LeaseBook } from "./desired/leases.ts";
import { WallClock } from "./events/clock.ts";
import { Hooks } from "./hooks/hooks.ts";
import { makeMatcher } from "./make-matcher.ts";
import { programStats } from "./kernel/program-stats.ts";
import { type Matcher, selectorKey } from "./matcher.ts";
import type { Metrics, Snapshot } from "./metrics.ts";
import { Observer } from "./observer.ts";
import { cgroup2Root } from "./process/cgroups.ts";
import { RingLosses } from "./publish/ring-losses.ts";
import { Sender } from "./sender.ts";
import { nodeStatus } from "./status.ts";

const TICK_MS = 1000;
const STATUS_MS = 5000;
/** Changes within this time make one status. */
const STATUS_SOON_MS = 20;
/** Every so many ticks the table is compared with what runs, records lost or not. */
const VERIFY_TICKS = 300;
/** Refused selectors are tried again every so many ticks. */
const RETRY_TICKS = 5;
const FINISH_MS = 3000;
/** After containers came and were marked in a hurry, everything is looked at once more. */
const FOLLOW_MS = 500;

/** One node's agent: all parts put together. */
export class Agent {
  readonly hooks: Hooks;
  readonly #config: Config;
  readonly #log: Logger;
  readonly #bus: AgentBus;
  readonly #clock = new WallClock();
  readonly #sender: Sender;
  readonly #observer: Observer;
  readonly #matcher: Matcher;
  readonly #desired: DesiredState;
  readonly #filter: EventFilter;
  readonly #tiers: Tiers;
  readonly #ringLosses: RingLosses;
  readonly #timers: NodeJS.Timeout[] = [];
  #soon: NodeJS.Timeout | undefined;
  #applySoon: NodeJS.Timeout | undefined;
  #state: NodeStatus["state"] = "starting";
  #ticks = 0;
  #statusFailures = 0;

  /** Attaches the hooks. @throws KernelError when processes cannot be observed on this kernel. */
  constructor(config: Config, connection: BusConnection, log: Logger) {
    this.#config = config;
    this.#log = log;
    const cgroupRoot = cgroup2Root();
    const ringBytes = powerOfTwo(config.agent.ring_mb * 1024 * 1024);
    this.hooks = new Hooks({
      ringBytes,
      argumentBytes: config.agent.argument_bytes,
      connectCgroup: cgroupRoot === undefined ? undefined : connectCgroup(cgroupRoot, config.agent.cgroup),
    });
    this.#bus = new AgentBus(connection);
    this.#sender = new Sender(config, this.#clock, (subject, payload, id) =>
      this.#bus.events.publish(subject, payload, id),
    );
    this.#filter = new EventFilter(config.node, config.agent.history);
    this.hooks.attachProcesses();
    this.#sender.sayRestart();
    this.#ringLosses = new RingLosses(this.hooks.maps.fd("losses")!, this.#sender.losses, this.#clock.now());
    this.#observer = new Observer({
      config,
      hooks: this.hooks,
      batcher: this.#sender.batcher,
      clock: this.#clock,
      filter: this.#filter,
      log,
      ringBytes,
      cgroupRoot,
      describe: (install, selector) => {
        const active = this.#matcher.describe(install, selector)?.selector;
        return active && { id: active.id, priority: active.priority, because: active.because };
      },
      onContainers: () => this.#onContainers(),
    });
    this.#observer.seed();
    this.hooks.attachScopes(log);
    this.#sender.alsoHeld(() => this.#observer.gate.oldest());
    this.#matcher = makeMatcher({
      config,
      hooks: this.hooks,
      lookup: this.#observer.lookup,
      containers: this.#observer.scopedContainers,
      cgroupRoot,
      log,
    });
    this.#desired = new DesiredState({
      node: config.node,
      tables: this.#matcher,
      leases: new LeaseBook(join(config.data_dir, "leases.json"), bootId()),
      now: () => this.#clock.now(),
      onDemand: (told) => this.#filter.set(told),
      onApplied: () => this.#statusSoon(),
      onError: (err) => log.error({ err }, "the desired state could not be applied"),
    });
    this.#tiers = new Tiers({
      ...{ filter: this.#filter, matcher: this.#matcher, hooks: this.hooks.attached },
      active: () => this.#desired.active,
      told: (kind) => this.#observer.acts.counters[kind] ?? this.#observer.records.told(kind),
      lost: (kind) => this.#sender.losses.totals()[`ring_overflow.${kind}`] ?? 0,
    });
  }

  get epoch(): number {
    return this.#sender.epoch;
  }

  start(): void {
    this.#state = "running";
    this.#observer.containers.start();
    this.#observer.loop.start();
    this.#timers.push(
      setInterval(() => this.#tick(), TICK_MS),
      setInterval(() => this.#statusSoon(), STATUS_MS),
    );
    this.#bus.bus.onStatus((status) => {
      if (status.type === "connected") this.#statusSoon();
    });
    void this.#follow();
  }

  /** Empties every selector at once; works with no bus. */
  disarm(): void {
    this.#desired.disarm();
    this.#log.warn("disarmed by a signal: no selector is in force until the node is armed again or the agent restarts");
  }

  /** Detaches, sends what is left while the bus takes it, and gives everything back. */
  async stop(): Promise<void> {
    this.#state = "stopping";
    for (const timer of this.#timers) clearInterval(timer);
    clearTimeout(this.#soon);
    clearTimeout(this.#applySoon);
    await this.#observer.loop.stop();
    this.#sender.readNoMore();
    this.#observer.loop.drainNow();
    this.#desired.close();
    this.#observer.gate.flush();
    this.#ringLosses.look(this.#clock.now());
    await this.#putStatus();
    await this.#sender.finish(this.#bus.bus.connected ? FINISH_MS : 0);
    this.#matcher.close();
    this.#observer.close();
    this.#ringLosses.close();
    this.hooks.close();
    await this.#bus.close();
  }

  /** All numbers there are. */
  snapshot(): Snapshot {
    const { table, records, denials, acts, loop, containers, gate } = this.#observer;
    const { published: _published, ...bus } = this.#bus.events.counters;
    return {
      counters: {
        records_exec: records.counters.exec,
        records_fork: records.counters.fork,
        records_exit: records.counters.exit,
        records_denial: records.counters.denial,
        records_cgroup: records.counters.cgroup,
        ...Object.fromEntries(Object.entries(acts.counters).map(([kind, n]) => [`records_${kind}`, n])),
        records_malformed: records.counters.malformed,
        denials: denials.counters.denials,
        denials_unnamed: denials.counters.unnamed,
        drains: loop.counters.passes,
        sleeps: loop.counters.sleeps,
        events_stored: this.#sender.counters.events,
        messages_stored: this.#sender.counters.messages,
        messages_resent: bus.resent,
        messages_duplicate: bus.duplicates,
        table_compactions: table.compactions,
        status_failures: this.#statusFailures,
        ...containers.counters,
        events_waited_for_container: gate.counters.waited,
        events_of_unnamed_container: gate.counters.unknown,
        events_not_waited_for_room: gate.counters.crowded,
        ...Object.fromEntries(Object.entries(this.#matcher.counts()).map(([name, n]) => [`matcher_${name}`, n])),
      },
      losses: this.#sender.losses.totals(),
      gauges: {
        processes_living: table.living,
        processes_known: table.size,
        containers_known: containers.book.size,
        events_waiting_for_container: gate.size,
        messages_waiting: this.#sender.outbox.waiting,
        bytes_waiting: this.#sender.outbox.bytes,
        ring_bytes_pending: this.#observer.pendingBytes,
        selectors: this.#desired.active.length,
        applied_revision: this.#desired.appliedRevision,
      },
    };
  }

  /** What Prometheus is told: those numbers, and what each selector and each program has done. */
  metrics(): Metrics {
    const counted = this.#matcher.counters();
    const selectors = this.#desired.active.flatMap(({ entry, selector: { id } }) => {
      const counters = counted.get(selectorKey(entry, id));
      return counters === undefined ? [] : [{ entry, id, counters }];
    });
    return { ...this.snapshot(), selectors, programs: programStats(), filtered: this.#tiers.filtered() };
  }

  async #follow(): Promise<void> {
    let synced = false;
    for await (const update of this.#bus.watchDesired()) {
      if (update.type === "change") {
        this.#desired.change(update.key, update.entry, update.revision, update.problem);
      } else if (!synced) {
        synced = true;
        this.#desired.ready();
      }
    }
  }

  #tick(): void {
    this.#ticks++;
    this.#clock.adjust();
    this.#observer.sweep();
    const lost = this.#ringLosses.look(this.#clock.now());
    if (lost > 0 || this.#ticks % VERIFY_TICKS === 0 || this.#isFull()) this.#observer.verify();
    this.#matcher.tick();
    if (lost > 0 || !this.hooks.tellsCgroups) this.#observer.containers.scan();
    this.#observer.containers.tick();
    // what a scope names (a container, a process) may have come meanwhile
    if (this.#ticks % RETRY_TICKS === 0 && this.#desired.refused.length > 0) this.#desired.apply();
    this.#sender.sayLosses();
    if (this.#sender.batcher.oldest() !== undefined) this.#observer.loop.wake();
    this.#sender.save();
  }

  /** Containers came, went or got other names: scopes may mean others now. */
  #onContainers(): void {
    if (this.#state !== "running" || this.#desired.disarmed) return;
    if (!this.#matcher.usesContainers && this.#desired.refused.length === 0) return;
    try {
      const followed = this.#desired.refused.length === 0 && this.#matcher.followContainers();
      if (!followed) this.#desired.apply();
      else this.#applySoon ??= setTimeout(() => this.#applyToContainers(), FOLLOW_MS);
    } catch (err) {
      this.#log.error({ err }, "the selectors could not be applied to the containers");
    }
  }

  #applyToContainers(): void {
    this.#applySoon = undefined;
    try {
      this.#desired.apply();
    } catch (err) {
      this.#log.error({ err }, "the selectors could not be applied to the containers");
    }
  }

  #isFull(): boolean {
    return this.#observer.table.living > this.#config.agent.process_table_max;
  }

  #statusSoon(): void {
    this.#soon ??= setTimeout(() => {
      this.#soon = undefined;
      void this.#putStatus();
    }, STATUS_SOON_MS);
  }

  async #putStatus(): Promise<void> {
    if (!this.#bus.bus.connected) return;
    const { counters, gauges, losses } = this.snapshot();
    const status = nodeStatus({
      node: this.#config.node,
      epoch: this.epoch,
      state: this.#state,
      tiers: this.#tiers,
      history: this.#config.agent.history,
      desired: this.#desired,
      matcher: this.#matcher,
      containers: this.#observer.containers.status,
      clock: this.#clock,
      counters: { ...counters, ...gauges },
      losses,
    });
    try {
      await this.#bus.putStatus(status);
    } catch (err) {
      this.#statusFailures++;
      this.#log.debug({ err }, "the status could not be stored");
    }
  }
}

function powerOfTwo(bytes: number): number {
  return 2 ** Math.ceil(Math.log2(bytes));
}
