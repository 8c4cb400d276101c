import type { RuleSetStatus } from "../../bus/types/controller-status.ts";
import type { EngineStatus, RuleStatus } from "../../bus/types/engine-status.ts";
import type { RuleSetInfo } from "../../bus/types/rule-set.ts";
import { quote } from "../problems.ts";
import type { RuleSetKeeper } from "../ruleset/keeper.ts";
import { type RuleNodes, ruleNodes } from "./rule-nodes.ts";
import { readBody } from "./body.ts";

/** Which set an engine runs, one that it could not take, and the rules that it stopped. */
export type EngineRuleSet = {
  name: string;
  digest: EngineStatus["ruleset"];
  refused: EngineStatus["refused_ruleset"];
  disabled: EngineStatus["disabled"];
};

/** A rule as all engines together say of it. */
export type ListedRule = RuleStatus & { engines: string[]; nodes: RuleNodes };

const BY_MAX = 200;
/** An engine that said nothing for so long is gone; its status stays for a while. */
const GONE_MS = 30_000;
const DIGEST = /^sha256:[0-9a-f]{64}$/;

/** `rules.list`: the rules that engines evaluate; what they counted is added up, and one is as ill as where it is worst. */
export function listRules(
  statuses: ReadonlyMap<string, unknown>,
  ruleset: RuleSetStatus,
  now: number,
): { digest: string | null; rules: ListedRule[] } {
  const rules = new Map<string, ListedRule>();
  for (const [engine, status] of engines(statuses)) {
    if (now - Date.parse(status.time ?? "") > GONE_MS || status.state === "stopping") continue;
    for (const rule of status.rules ?? []) {
      const key = `${rule.kind}:${rule.id}`;
      const known = rules.get(key);
      const nodes = known?.nodes ?? ruleNodes(statuses, rule, status.ruleset ?? null, now);
      rules.set(key, known === undefined ? { ...rule, engines: [engine], nodes } : together(known, rule, engine));
    }
  }
  return { digest: ruleset.digest, rules: [...rules.values()] };
}

function together(a: ListedRule, b: RuleStatus, engine: string): ListedRule {
  const disabled = a.state === "disabled" ? a : b;
  return {
    ...a,
    state: disabled.state,
    reason: disabled.reason,
    evaluations: a.evaluations + b.evaluations,
    hits: a.hits + b.hits,
    errors: a.errors + b.errors,
    time_us: a.time_us + b.time_us,
    last_error: a.last_error ?? b.last_error,
    last_alert:
      [a.last_alert, b.last_alert]
        .filter((time) => time !== null)
        .sort()
        .at(-1) ?? null,
    engines: [...a.engines, engine],
  };
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

/** `rules.push {digest, source?, by?}`: a stored set becomes the current one, until what is in the rule directories changes. */
export async function pushRules(body: unknown, keeper: RuleSetKeeper): Promise<{ ruleset: RuleSetInfo }> {
  const { digest, source, by } = readBody(body, ["digest", "source", "by"], (reader, object) => {
    const digest = String(object["digest"]);
    if (!DIGEST.test(digest)) reader.wrong("digest", `is ${quote(object["digest"])}`, '"sha256:" and 64 hex digits');
    const source = object["source"] ?? "push";
    if (source !== "push" && source !== "rollback") reader.wrong("source", `is ${quote(source)}`, "push, rollback");
    const by = object["by"] ?? null;
    if (by !== null && (typeof by !== "string" || by.length > BY_MAX))
      reader.wrong("by", `is ${quote(by)}`, `a text of at most ${BY_MAX} characters`);
    return { digest, source: source as "push" | "rollback", by: by as string | null };
  });
  return { ruleset: await keeper.push(digest, source, by) };
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
