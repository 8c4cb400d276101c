import { CliError } from "../errors.ts";
import { EXIT } from "../exit.ts";
import { loadForOperator } from "../find-bus.ts";
import { askController, connectOperator } from "../operator.ts";
import { document } from "../output/format.ts";
import { paintFor } from "../output/paint.ts";
import type { Paint } from "../output/paint.ts";
import { printLine } from "../output/print.ts";
import { safe } from "../output/safe.ts";
import { table } from "../output/table.ts";
import type { RuleStatus } from "../../bus/types/engine-status.ts";
import type { RulesFlags } from "../verbs/rules.ts";

/** A rule as the controller tells of it. */
export type LiveRule = RuleStatus & {
  engines: string[];
  nodes: { active: number; of: number; missing: { node: string; reason: string }[] };
};

/** Prints the rules in force and what they did; false when no Reeve runs here. */
export async function listLive(flags: RulesFlags): Promise<boolean> {
  let bus;
  try {
    bus = await connectOperator(loadForOperator({ ...flags }).config, 2000);
  } catch (cause) {
    if (cause instanceof CliError && cause.exit === EXIT.unreachable) return false;
    throw cause;
  }
  try {
    const live = await askController<{ digest: string | null; rules: LiveRule[] }>(bus, "rules.list");
    if (flags.output === "json") await printLine(document(live, "json"));
    else await printLine(liveTable(live.rules, new Date(), paintFor(process.stdout)));
    return true;
  } finally {
    await bus.close();
  }
}

/** A row a rule: what it found, what it cost, when it last told something, and whether it is evaluated. */
export function liveTable(rules: readonly LiveRule[], now: Date, paint: Paint): string {
  if (rules.length === 0) return "no engine has told of any rule yet";
  const rows = [...rules]
    .sort((a, b) => a.kind.localeCompare(b.kind) * -1 || (a.id < b.id ? -1 : 1))
    .map((rule) => {
      const { id, kind, severity, evaluations, hits, errors, time_us, last_alert, reason, nodes } = rule;
      const each = evaluations === 0 ? "" : `${(time_us / evaluations).toFixed(2)} us`;
      const state = reason === null ? onNodes(nodes, paint) : paint("red", `disabled: ${safe(reason)}`);
      const name = [safe(id), kind, severity ?? ""];
      const cost = [String(evaluations), String(errors), `${(time_us / 1e6).toFixed(2)} s`, each];
      return name.concat(String(hits), cost, ago(last_alert, now), state);
    });
  const head = ["ID", "KIND", "SEVERITY", "HITS", "EVALUATIONS", "ERRORS", "TIME", "EACH", "LAST ALERT", "STATE"];
  return table([head, ...rows]);
}

/** `active` where it is active on all nodes; else on how many, and why not on the first of the others. */
function onNodes({ active, of, missing }: LiveRule["nodes"], paint: Paint): string {
  const text = `active on ${active}/${of} nodes`;
  const [first] = missing;
  if (first === undefined) return text;
  return paint("yellow", `${text}; not on ${safe(first.node)}: ${safe(first.reason)}`);
}

function ago(time: string | null, now: Date): string {
  if (time === null) return "never";
  const seconds = Math.max(0, Math.round((now.getTime() - Date.parse(time)) / 1000));
  if (seconds < 120) return `${seconds}s ago`;
  if (seconds < 7200) return `${Math.round(seconds / 60)}m ago`;
  return `${Math.round(seconds / 3600)}h ago`;
}
