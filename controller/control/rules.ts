import type { RuleSetStatus } from "../../bus/types/controller-status.ts";
import type { RuleSetInfo } from "../../bus/types/rule-set.ts";
import { quote } from "../problems.ts";
import type { RuleSetKeeper } from "../ruleset/keeper.ts";
import { readBody } from "./body.ts";

type Fields = Record<string, unknown>;

const DIGEST = /^sha256:[0-9a-f]{64}$/;

/** `rules.list`: the rules that engines have loaded, as each says of itself; what engines agree on stands once. */
export function listRules(
  statuses: ReadonlyMap<string, unknown>,
  ruleset: RuleSetStatus,
): { digest: string | null; rules: Fields[] } {
  const rules = new Map<string, Fields & { engines: string[] }>();
  for (const [engine, status] of engines(statuses)) {
    for (const rule of Array.isArray(status["rules"]) ? (status["rules"] as Fields[]) : []) {
      const id = String(rule["id"]);
      const known = rules.get(id);
      if (known === undefined) rules.set(id, { ...rule, engines: [engine] });
      else known.engines.push(engine);
    }
  }
  return { digest: ruleset.digest, rules: [...rules.values()] };
}

/** `rules.status`: the current set, its last build, and which set each engine runs. */
export function rulesStatus(
  statuses: ReadonlyMap<string, unknown>,
  ruleset: RuleSetStatus,
): { ruleset: RuleSetStatus; engines: { name: string; digest: unknown; disabled: unknown }[] } {
  return {
    ruleset,
    engines: engines(statuses).map(([name, status]) => {
      return { name, digest: digestOf(status["ruleset"]), disabled: status["disabled"] ?? [] };
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

/** An engine's `ruleset` is a digest, or an object that has one. */
function digestOf(ruleset: unknown): unknown {
  return typeof ruleset === "object" && ruleset !== null && "digest" in ruleset ? ruleset.digest : (ruleset ?? null);
}

function engines(statuses: ReadonlyMap<string, unknown>): [string, Fields][] {
  const found: [string, Fields][] = [];
  for (const [key, status] of statuses) {
    if (key.startsWith("engine.") && typeof status === "object" && status !== null) {
      found.push([key.slice("engine.".length), status as Fields]);
    }
  }
  return found;
}
