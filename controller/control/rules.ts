import type { RuleSetStatus } from "../../bus/types/controller-status.ts";
import type { EngineStatus, RuleStatus } from "../../bus/types/engine-status.ts";
import type { RuleSetInfo } from "../../bus/types/rule-set.ts";
import { quote } from "../problems.ts";
import type { RuleSetKeeper } from "../ruleset/keeper.ts";
import { readBody } from "./body.ts";

/** Which set an engine runs, one that it could not take, and the rules that it stopped. */
export type EngineRuleSet = {
  name: string;
  digest: EngineStatus["ruleset"];
  refused: EngineStatus["refused_ruleset"];
  disabled: EngineStatus["disabled"];
};

const DIGEST = /^sha256:[0-9a-f]{64}$/;

/** `rules.list`: the rules that engines have loaded, as each says of itself; what engines agree on stands once. */
export function listRules(
  statuses: ReadonlyMap<string, unknown>,
  ruleset: RuleSetStatus,
): { digest: string | null; rules: (RuleStatus & { engines: string[] })[] } {
  const rules = new Map<string, RuleStatus & { engines: string[] }>();
  for (const [engine, status] of engines(statuses)) {
    for (const rule of status.rules ?? []) {
      const known = rules.get(rule.id);
      if (known === undefined) rules.set(rule.id, { ...rule, engines: [engine] });
      else known.engines.push(engine);
    }
  }
  return { digest: ruleset.digest, rules: [...rules.values()] };
}

/** `rules.status`: the current set, its last build, and which set each engine runs. */
export function rulesStatus(
  statuses: ReadonlyMap<string, unknown>,
  ruleset: RuleSetStatus,
): { ruleset: RuleSetStatus; engines: EngineRuleSet[] } {
  return {
    ruleset,
    engines: engines(statuses).map(([name, status]) => {
      const { ruleset: digest = null, refused_ruleset: refused = null, disabled = [] } = status;
      return { name, digest, refused, disabled };
    }),
  };
}

/** `rules.push {digest}`: a stored set becomes the current one, until the next change in the rule directories. */
export async function pushRules(body: unknown, keeper: RuleSetKeeper): Promise<{ ruleset: RuleSetInfo }> {
  const digest = readBody(body, ["digest"], (reader, object) => {
    const value = String(object["digest"]);
    if (!DIGEST.test(value)) reader.wrong("digest", `is ${quote(object["digest"])}`, '"sha256:" and 64 hex digits');
    return value;
  });
  return { ruleset: await keeper.push(digest) };
}

function engines(statuses: ReadonlyMap<string, unknown>): [string, Partial<EngineStatus>][] {
  const found: [string, Partial<EngineStatus>][] = [];
  for (const [key, status] of statuses) {
    if (key.startsWith("engine.") && typeof status === "object" && status !== null) {
      found.push([key.slice("engine.".length), status]);
    }
  }
  return found;
}
