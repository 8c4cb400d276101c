import type { Logger } from "../../bus/log.ts";
import type { ControllerStatus } from "../../bus/types/controller-status.ts";
import type { Counters } from "../counters.ts";
import type { DesiredWriter } from "../desired/writer.ts";
import { codeOf, messageOf } from "../errors.ts";
import type { ControlHandler } from "../port.ts";
import type { RuleSetKeeper } from "../ruleset/keeper.ts";
import { arm, disarm } from "./disarm.ts";
import { listRules, pushRules, rulesStatus } from "./rules.ts";
import { addSelectors, deleteSelectors, listSelectors } from "./selectors.ts";

export interface ControlSources {
  writer: DesiredWriter;
  keeper: RuleSetKeeper;
  readStatus: () => ReadonlyMap<string, unknown>;
  snapshot: () => ControllerStatus;
  counters: Counters;
  log: Logger;
  now: () => number;
}

/** The control service: a handler for each verb. Errors with a code become the reply's error. */
export function controlHandlers(sources: ControlSources): Record<string, ControlHandler> {
  const { writer, keeper, now } = sources;
  const verbs: Record<string, ControlHandler> = {
    "selectors.add": async (body) => await addSelectors(body, writer, now()),
    "selectors.list": (body) => Promise.resolve(listSelectors(body, writer)),
    "selectors.delete": async (body) => await deleteSelectors(body, writer),
    disarm: async (body) => await disarm(body, writer, now()),
    arm: async (body) => await arm(body, writer),
    "rules.list": () => Promise.resolve(listRules(sources.readStatus(), keeper.status, now())),
    "rules.status": () => Promise.resolve(rulesStatus(sources.readStatus(), keeper.status)),
    "rules.push": async (body) => await pushRules(body, keeper),
    status: () => Promise.resolve({ ...byFamily(sources.readStatus()), controller: sources.snapshot() }),
  };
  return Object.fromEntries(Object.entries(verbs).map(([verb, handler]) => [verb, counted(verb, handler, sources)]));
}

/** Every request that changes something is in the log, every refusal is counted. */
function counted(verb: string, handler: ControlHandler, sources: ControlSources): ControlHandler {
  const changes = !/list|status/.test(verb);
  return async (body) => {
    try {
      const reply = await handler(body);
      sources.counters.add("control_requests");
      if (changes) sources.log.info({ verb }, `control: ${verb}`);
      return reply;
    } catch (cause) {
      sources.counters.add("control_refused");
      sources.log.warn({ verb, code: codeOf(cause) }, `control: ${verb} refused: ${messageOf(cause).slice(0, 500)}`);
      throw cause;
    }
  };
}

/** Statuses as `{nodes: {<node>: ...}, engines: {<name>: ...}}`. */
function byFamily(statuses: ReadonlyMap<string, unknown>): {
  nodes: Record<string, unknown>;
  engines: Record<string, unknown>;
} {
  const family = (prefix: string): Record<string, unknown> =>
    Object.fromEntries(
      [...statuses].filter(([key]) => key.startsWith(prefix)).map(([key, value]) => [key.slice(prefix.length), value]),
    );
  return { nodes: family("node."), engines: family("engine.") };
}
