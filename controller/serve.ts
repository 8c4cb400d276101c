import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Config } from "../bus/config/settings.ts";
import type { Logger } from "../bus/log.ts";
import { keepHealth } from "../bus/health.ts";
import { reportReady } from "../bus/ready.ts";
import { controlHandlers } from "./control/verbs.ts";
import { Counters } from "./counters.ts";
import { type DeciderCaps, DECIDER_CAPS } from "./decision/caps.ts";
import { consumeDecisions } from "./decision/consume.ts";
import { Refusals } from "./decision/refusals.ts";
import { DemandHandler } from "./demand/handler.ts";
import { expireLeases } from "./desired/expire.ts";
import { DesiredWriter } from "./desired/writer.ts";
import { messageOf } from "./errors.ts";
import type { ControllerBus } from "./port.ts";
import { buildRuleSet } from "./ruleset/build.ts";
import { BundleSource } from "./ruleset/bundles.ts";
import { openCacheDir } from "./ruleset/cache-dir.ts";
import { RuleSetKeeper } from "./ruleset/keeper.ts";
import { unreadable, watchDirectories } from "./ruleset/watch.ts";
import { StatusReporter } from "./status.ts";

export interface ControllerOptions {
  /** Program and first arguments that build a rule set: `[node, cli/main.ts, "rules", "build"]`. */
  buildCommand: string[];
  /** Milliseconds that a build may take. */
  buildTimeout?: number;
  /** Milliseconds that an ended lease stays in the desired state. */
  leaseMargin?: number;
}

/** Directories whose files go into every build that has the shipped rules. */
const SHIPPED = ["../rules/packs", "../rego"].map((path) => fileURLToPath(new URL(path, import.meta.url)));
const COUNTERS = [
  ...["decisions_accepted", "decisions_renewed", "decisions_repeated", "decisions_refused", "decisions_retried"],
  ...["leases_shortened", "leases_ended", "control_requests", "control_refused", "demands_written", "demands_refused"],
];

/** Runs all parts of the controller on a connected bus until `signal`; throws when one of them cannot go on. */
export async function serveController(
  bus: ControllerBus,
  config: Config,
  signal: AbortSignal,
  options: ControllerOptions & { log: Logger },
): Promise<void> {
  const { log } = options;
  const stopping = new AbortController();
  const stop = (): void => {
    stopping.abort();
  };
  signal.addEventListener("abort", stop);
  if (signal.aborted) stop();

  const counters = new Counters(COUNTERS);
  const refusals = new Refusals(counters);
  const writer = new DesiredWriter(bus.desired);
  const changed = (): void => {
    reporter.changed();
  };
  using cache = openCacheDir();
  let watchAgain = (_directory: string): void => {};
  const bundles = new BundleSource({
    ...{
      urls: config.rules.bundles,
      servers: config.rules.bundle_servers,
      every: config.rules.bundle_poll,
      cache: cache.path,
      log,
    },
    onChange: () => {
      keeper.changed();
    },
  });
  const keeper = makeKeeper(bus, config, { ...options, cache: cache.path, bundles }, changed, (directory) => {
    if (!bundles.has(directory)) watchAgain(directory);
  });
  const reporter = new StatusReporter({
    ...{ version: readVersion(), counters, refusals, writer, log },
    ruleset: () => keeper.status,
    put: async (status) => {
      await bus.putStatus(status);
    },
  });

  const work = async (): Promise<void> => {
    const loaded = Promise.withResolvers<void>();
    const following = writer.follow(stopping.signal, loaded.resolve, changed);
    await Promise.race([loaded.promise, following]);
    const watching = startWatch(keeper, config, log);
    watchAgain = watching.again;
    try {
      bus.serveControl(
        controlHandlers({
          ...{ writer, keeper, counters, log, now: Date.now },
          readStatus: () => bus.readStatus(),
          snapshot: () => reporter.snapshot(),
        }),
      );
      reporter.state = "running";
      const decisions = {
        ...{ writer, counters, refusals, now: Date.now, capsOf: capsOf(config) },
        defaultMode: config.enforce ? ("enforce" as const) : ("monitor" as const),
      };
      const expiry = { writer, counters, log, margin: options.leaseMargin ?? 5_000, now: Date.now, onDone: changed };
      const demand = new DemandHandler({
        ...{ writer, counters, log, now: () => performance.now(), onDone: changed },
        standby: Object.keys(config.controller.deciders).length > 0 ? ["network_connect"] : [],
      });
      let stopHealth = (): void => {};
      void keeper.built.then(() => {
        reportReady({ ruleset: keeper.status.digest, errors: keeper.status.errors.length });
        if (!stopping.signal.aborted) stopHealth = keepHealth(() => null);
      });
      const tasks = [
        following,
        consumeDecisions(bus.decisions(stopping.signal), decisions, log, changed),
        expireLeases(expiry, stopping.signal),
        demand.run(bus.demands(stopping.signal), stopping.signal),
        Promise.all([watching.ready, bundles.first(stopping.signal)]).then(async () => {
          await keeper.run(stopping.signal);
        }),
        bundles.run(stopping.signal),
        reporter.run(stopping.signal),
      ];
      try {
        await Promise.all(tasks);
      } finally {
        stop();
        stopHealth();
        await Promise.allSettled(tasks);
      }
    } finally {
      await watching.close();
    }
  };
  try {
    await work();
  } catch (cause) {
    if (!signal.aborted) throw cause;
  } finally {
    stop();
    signal.removeEventListener("abort", stop);
    reporter.state = "stopping";
    await reporter.publish();
  }
}

function makeKeeper(
  bus: ControllerBus,
  config: Config,
  options: ControllerOptions & { log: Logger; cache: string; bundles: BundleSource },
  onStatus: () => void,
  onReadable: (directory: string) => void,
): RuleSetKeeper {
  const { buildCommand: command, buildTimeout: timeout = 30_000, cache, log, bundles: sources } = options;
  const { enforce, rules } = config;
  const { bundle_key: key, bundle_key_id: id, bundle_algorithm: algorithm, bundle_scope: scope, shipped } = rules;
  const bundles = { key, id, algorithm, scope };
  return new RuleSetKeeper({
    ...{ store: bus.ruleSets, enforce, log, onStatus, onReadable },
    directories: [...rules.dirs, ...sources.files],
    inspect: (directory) => sources.problem(directory) ?? unreadable(directory),
    build: async (directories, policies, signal) => {
      const request = { command, directories, shipped, bundles, enforce, policies, cache, timeout };
      return sources.named(await buildRuleSet(request, signal));
    },
  });
}

/** Watches what goes into a build; a directory that cannot be watched is said, the others are. */
function startWatch(keeper: RuleSetKeeper, config: Config, log: Logger): ReturnType<typeof watchDirectories> {
  const shipped = config.rules.shipped ? SHIPPED.filter((path) => existsSync(path)) : [];
  return watchDirectories(
    [...config.rules.dirs, ...shipped],
    () => {
      keeper.changed();
    },
    (error) => {
      log.error(`rule directories: not everything can be watched: ${messageOf(error)}`);
    },
  );
}

/** What the configuration lets each decider do, by the name of its credentials. */
function capsOf(config: Config): (decider: string) => DeciderCaps {
  return (decider) => {
    const { deciders } = config.controller;
    const caps = Object.hasOwn(deciders, decider) ? deciders[decider] : undefined;
    if (caps === undefined) return DECIDER_CAPS;
    const { actions, max_ttl: maxTtl, fleet, host, force, max_entries: maxEntries } = caps;
    return { actions, maxTtl, fleet, host, force, maxEntries };
  };
}

function readVersion(): string {
  const text = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { version?: string }).version ?? "";
}
