import type { ActivatedRuleSet } from "../../bus/types/rule-set.ts";
import { CliError } from "../errors.ts";
import { EXIT } from "../exit.ts";
import { loadForOperator } from "../find-bus.ts";
import { connectOperator } from "../operator.ts";
import { document } from "../output/format.ts";
import { printLine } from "../output/print.ts";
import { safe } from "../output/safe.ts";
import { table } from "../output/table.ts";
import type { RulesFlags } from "../verbs/rules.ts";
import { putInForce } from "./push.ts";

const SHORT = "sha256:".length + 12;

/** Prints the sets that were in force, the newest first. */
export async function showHistory(flags: RulesFlags): Promise<number> {
  const bus = await connectOperator(loadForOperator({ ...flags }).config);
  try {
    const history = await bus.ruleSets.history();
    const stored = new Set((await bus.ruleSets.list()).map(({ digest }) => digest));
    if (flags.output === "json") {
      const sets = history.map((set, n) => ({ ...set, in_force: n === 0, stored: stored.has(set.digest) }));
      await printLine(document({ sets }, "json"));
    } else await printLine(historyTable(history, stored));
    return EXIT.ok;
  } finally {
    await bus.close();
  }
}

/** A row for each time that another set came into force. */
export function historyTable(history: readonly ActivatedRuleSet[], stored: ReadonlySet<string>): string {
  if (history.length === 0) return "no rule set has been in force yet";
  const rows = history.map(({ digest, activated_at, activation, rules, policies }, n) => {
    const state = n === 0 ? "in force" : stored.has(digest) ? "" : "not kept";
    const by = activation.by === null ? activation.source : `${activation.source} by ${safe(activation.by)}`;
    return [digest.slice(0, SHORT), activated_at, String(rules), String(policies), by, state];
  });
  return table([["SET", "SINCE", "RULES", "POLICIES", "HOW", ""], ...rows]);
}

/** Puts a set in force that was it before: the one before this, or the one whose digest begins so. */
export async function rollBack(wanted: string | undefined, flags: RulesFlags): Promise<number> {
  const bus = await connectOperator(loadForOperator({ ...flags }).config);
  try {
    const [history, stored] = await Promise.all([bus.ruleSets.history(), bus.ruleSets.list()]);
    const digests = new Set(stored.map(({ digest }) => digest));
    const kept = history.filter(({ digest }) => digests.has(digest));
    const target = wanted === undefined ? previous(history, kept) : named(wanted, [...kept, ...stored]);
    await putInForce(bus, target, "rollback", history[0]?.digest ?? null, flags);
    return EXIT.ok;
  } finally {
    await bus.close();
  }
}

type Named = Pick<ActivatedRuleSet, "digest" | "built_at" | "rules" | "policies" | "sources">;

function previous(history: readonly ActivatedRuleSet[], kept: readonly ActivatedRuleSet[]): Named {
  const now = history[0]?.digest;
  const found = kept.find(({ digest }) => digest !== now);
  if (found === undefined) {
    throw new CliError("not_found", "there is no rule set to go back to: no other one is kept", {
      exit: EXIT.notFound,
    });
  }
  return found;
}

function named(wanted: string, among: readonly Named[]): Named {
  const text = wanted.startsWith("sha256:") ? wanted : `sha256:${wanted}`;
  const found = new Map(among.filter(({ digest }) => digest.startsWith(text)).map((set) => [set.digest, set]));
  const [only] = found.values();
  if (only !== undefined && found.size === 1) return only;
  const why = only === undefined ? "no set that is kept begins so" : `${found.size} sets begin so`;
  throw new CliError("not_found", `rule set "${wanted}": ${why} (reeve rules history lists them)`, {
    exit: EXIT.notFound,
  });
}
