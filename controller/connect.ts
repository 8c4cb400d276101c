import { ControllerBus as Client } from "../bus/clients/controller.ts";
import type { Config } from "../bus/config/settings.ts";
import { connect } from "../bus/connection.ts";
import type { KvUpdate } from "../bus/kv-watch.ts";
import type { Logger } from "../bus/log.ts";
import { parseJson } from "../bus/validate.ts";
import type {
  ControllerBus,
  DecisionMessage,
  DemandChange,
  DesiredBucket,
  DesiredChange,
  RuleSetStore,
} from "./port.ts";

/** How long the first connection may take; after it, the connection comes back by itself for ever. */
const WAIT_MS = 30_000;
/** Sets that stay in the store to go back to. */
const KEPT_SETS = 20;

/** The controller's side of the bus that the configuration names. @throws {BusError} when it does not come about */
export async function connectController(config: Config, log: Logger): Promise<ControllerBus> {
  const connection = await connect("controller", config, {
    wait: WAIT_MS,
    onStatus: (status) => {
      if (status.type === "disconnected") log.warn("the bus is away; trying again until it is back");
      else if (status.type === "connected") log.info(`connected to ${status.url}`);
      else if (status.type === "refused") log.error(`the bus refuses ${status.operation} on ${status.subject}`);
      else if (status.type === "error") log.error(`bus: ${status.reason}`);
    },
  });
  const client = new Client(connection);
  const statuses = followStatuses(client);
  return {
    decisions: (signal) => decisionsUntil(client, signal),
    desired: desiredBucket(client),
    ruleSets: ruleSetStore(client, log),
    demands: (signal) => demandsUntil(client, signal),
    putStatus: async (status) => {
      await client.putStatus(status);
    },
    readStatus: () => statuses,
    serveControl: (handlers) => {
      client.serveControl(handlers);
    },
    close: async () => {
      await client.close();
    },
  };
}

async function* decisionsUntil(client: Client, signal: AbortSignal): AsyncIterable<DecisionMessage> {
  const queue = client.consumeDecisions();
  const end = onAbort(signal, () => {
    queue.close();
  });
  try {
    for await (const message of queue) {
      // What is left is delivered to whoever comes next.
      if (signal.aborted) return;
      yield message;
    }
  } finally {
    end();
  }
}

function desiredBucket(client: Client): DesiredBucket {
  return {
    watch: (signal) => watchUntil(client, signal),
    get: async (key) => {
      const stored = await client.desired.get(key);
      return stored === null ? null : { ...stored, problem: stored.problem ?? null };
    },
    put: async (key, entry, revision) => await client.desired.put(key, entry, { revision }),
    delete: async (key, revision) => {
      await client.desired.delete(key, { revision });
    },
  };
}

async function* watchUntil(client: Client, signal: AbortSignal): AsyncIterable<DesiredChange | null> {
  const watch = client.desired.watch();
  const end = onAbort(signal, () => {
    watch.close();
  });
  try {
    for await (const update of watch) {
      if (update.type === "synced") yield null;
      else {
        const { key, entry, revision, problem = null } = update;
        yield { key, entry, revision, problem };
      }
    }
  } finally {
    end();
    watch.close();
  }
}

async function* demandsUntil(client: Client, signal: AbortSignal): AsyncIterable<DemandChange | null> {
  const updates = client.watchDemand();
  const end = onAbort(signal, () => {
    updates.close();
  });
  try {
    for await (const update of updates) {
      if (signal.aborted) return;
      yield update.type === "synced" ? null : { key: update.key, data: update.data };
    }
  } finally {
    end();
    updates.close();
  }
}

function ruleSetStore(client: Client, log: Logger): RuleSetStore {
  return {
    publish: async (bytes, info) => {
      await client.putRuleSet(bytes, info);
      await forgetOld(client).catch((cause: unknown) => {
        // The new set is in force; the next one tries again.
        log.warn({ err: cause }, "old rule sets could not be removed from the store");
      });
    },
    select: async (digest, activation) => {
      // Read whole: a set that an engine could not load must not come into force.
      const { info } = await client.ruleSets.get(digest);
      await client.ruleSets.activate(digest, activation);
      return info;
    },
    current: async () => await client.ruleSets.current(),
  };
}

/** Every saved file makes a set: the oldest go, so that the store never fills up. */
async function forgetOld(client: Client): Promise<void> {
  const stored = await client.ruleSets.list();
  const current = await client.ruleSets.current();
  const old = stored
    .slice(0, Math.max(0, stored.length - KEPT_SETS))
    .filter(({ digest }) => digest !== current?.digest);
  for (const { digest } of old) await client.ruleSets.delete(digest);
}

/** What all statuses are now. It ends with the connection. */
function followStatuses(client: Client): ReadonlyMap<string, unknown> {
  const statuses = new Map<string, unknown>();
  const follow = async (updates: AsyncIterable<KvUpdate>): Promise<void> => {
    for await (const update of updates) {
      if (update.type === "synced") continue;
      if (update.data === null) statuses.delete(update.key);
      else statuses.set(update.key, readStatus(update.data));
    }
  };
  void follow(client.watchStatus());
  return statuses;
}

function readStatus(data: Uint8Array): unknown {
  try {
    return parseJson(data, "status");
  } catch (cause) {
    return { problem: (cause as Error).message };
  }
}

/** Calls `end` at the signal, also when it was given before; returns how to forget it. */
function onAbort(signal: AbortSignal, end: () => void): () => void {
  if (signal.aborted) end();
  signal.addEventListener("abort", end);
  return () => {
    signal.removeEventListener("abort", end);
  };
}
