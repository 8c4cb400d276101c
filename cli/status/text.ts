import { PARTITIONS } from "../../bus/partition.ts";
import type { ControllerStatus } from "../../bus/types/controller-status.ts";
import type { EngineStatus } from "../../bus/types/engine-status.ts";
import type { HookStatus, NodeStatus } from "../../bus/types/status.ts";
import { formatDuration } from "../output/duration.ts";
import type { Paint } from "../output/paint.ts";
import { safe } from "../output/safe.ts";
import { table } from "../output/table.ts";
import type { BusView, StatusView } from "./view.ts";

/** A part that has not said anything for so long is shown as silent. */
const SILENT_MS = 60_000;
/** Selectors and refusals that are printed for a node. */
const MOST_LINES = 8;

export function statusText(status: StatusView, paint: Paint): string {
  const now = Date.parse(status.time);
  const current = status.controller?.desired.revision ?? null;
  const blocks = [
    busLines(status.bus, paint),
    ...status.nodes.map((node) => nodeLines(node, current, now, paint)),
    ...status.engines.map((engine) => engineLines(engine, now, paint)),
    controllerLines(status.controller, now, paint),
  ];
  if (status.nodes.length === 0) blocks.splice(1, 0, [paint("yellow", "no agent has said anything yet")]);
  return blocks.map((lines) => lines.join("\n")).join("\n\n");
}

function busLines(bus: BusView, paint: Paint): string[] {
  const streams = bus.streams.map(({ name, messages, from }) => {
    const since = from === null ? "" : `, since ${new Date(from).toISOString()}`;
    return `  ${name}: ${messages} messages${since}`;
  });
  return [`${paint("bold", "bus")}  ${bus.url}, nats-server ${bus.version}`, ...streams];
}

function nodeLines(node: NodeStatus, current: number | null, now: number, paint: Paint): string[] {
  const revision = `revision ${node.applied_revision}${current === null ? "" : ` of ${current}`}`;
  const state = paint(node.state === "running" ? "green" : "yellow", node.state);
  const lines = [
    `${paint("bold", `node ${safe(node.node)}`)}  ${state}${age(node.time, now, paint)}, kernel ${safe(node.kernel)}, ${revision}`,
  ];
  if (node.hooks.length > 0) lines.push(...hookLines(node.hooks, paint));
  lines.push(...containerLines(node.containers, paint));
  // Those that are made of a demand stand at their hooks.
  const own = node.selectors.filter(({ entry }) => !/^all\.demand(-readers)?$/.test(entry));
  const selectors = own.toSorted((a, b) => b.counters.hits - a.counters.hits);
  for (const it of selectors.slice(0, MOST_LINES)) {
    const { hits, denied, would_deny } = it.counters;
    const end = it.deadline ? `, until ${it.deadline.slice(0, 19)}Z` : "";
    lines.push(
      `  selector ${safe(it.id)} (${safe(it.mode)}): ${hits} hits, ${denied} denied, ${would_deny} would deny${end}`,
    );
  }
  lines.push(...more(selectors.length, "selectors (reeve selectors list)"));
  // Short-lived processes end before they can be cut off: nothing to mend, and there may be many.
  const ended = node.refused.filter((it) => it.reason.startsWith("scope.tree: no process "));
  const refused = node.refused.filter((it) => !ended.includes(it));
  for (const it of refused.slice(0, MOST_LINES))
    lines.push(paint("yellow", `  refused ${refusedName(it)}: ${safe(it.reason)}`));
  lines.push(...more(refused.length, "refused (reeve status -o json)"));
  if (ended.length > 0) {
    const one = ended.length === 1 ? `${refusedName(ended[0]!)} waits` : `${ended.length} selectors wait`;
    lines.push(paint("dim", `  ${one} for a process tree that this node does not know (it has ended)`));
  }
  lines.push(
    `  counters  ${numbers(node.counters)}`,
    `  filtered  ${filteredText(node.filtered)}`,
    `  lost      ${lost(node.losses, paint)}`,
  );
  return lines;
}

/** Hooks that are idle are named in one line: there are many. */
function hookLines(hooks: readonly HookStatus[], paint: Paint): string[] {
  const idle = hooks.filter((hook) => hook.idle);
  const rows = hooks
    .filter((hook) => !hook.idle)
    .map((hook) => [
      hook.attached ? paint("green", "attached") : paint("red", "missing"),
      safe(hook.hook),
      safe(hook.rung),
      hook.can_deny ? "can deny" : hook.attached ? "observes" : "",
      rateText(hook),
      [hook.for === undefined ? "" : `for ${someOf(hook.for.map(safe))}`, safe(hook.detail ?? "")]
        .filter((text) => text !== "")
        .join("; "),
    ]);
  const lines = rows.length === 0 ? [] : [table(rows, "  ")];
  if (idle.length > 0)
    lines.push(`  idle      ${idle.map(({ hook }) => safe(hook)).join(", ")} (nobody asks for them)`);
  return lines;
}

function rateText({
  events_per_s: events,
  seen_per_s: seen,
  cpu_percent: percent,
  ns_per_run: ns,
}: HookStatus): string {
  if (events === undefined) return "";
  const of = seen === undefined || seen <= events ? "" : ` of ${seen}/s`;
  const cost = percent === undefined ? "" : `, ${percent} % of a core, ${ns} ns each`;
  return `${events} events/s${of}${cost}`;
}

function someOf(names: readonly string[]): string {
  const more = names.length - MOST_LINES;
  return names.slice(0, MOST_LINES).join(", ") + (more > 0 ? ` and ${more} more` : "");
}

/** Events that nobody wanted, by the tier that left them out. */
function filteredText(filtered: NodeStatus["filtered"] | undefined): string {
  const tiers = Object.entries(filtered ?? {}).filter(([, kinds]) => Object.keys(kinds).length > 0);
  return (
    tiers.map(([tier, kinds]) => `by the ${tier}: ${numbers(kinds as Record<string, number>)}`).join("; ") || "nothing"
  );
}

/** How many containers run; of the runtimes those that answer, and those that do not where somebody misses a name. */
function containerLines(containers: NodeStatus["containers"], paint: Paint): string[] {
  if (containers === undefined) return [];
  const { running, unnamed, runtimes } = containers;
  const missing = unnamed === 0 ? "" : paint("yellow", `, ${unnamed} without a name`);
  const shown = runtimes.filter(({ state }) => unnamed > 0 || state === "connected");
  const asked = shown.map(({ socket, state, reason }) => {
    const why = reason === undefined ? "" : ` (${safe(reason)})`;
    return `; ${safe(socket)} ${state === "connected" ? state : paint("yellow", `${safe(state)}${why}`)}`;
  });
  return [`  containers  ${running} running${missing}${asked.join("")}`];
}

function engineLines(engine: EngineStatus, now: number, paint: Paint): string[] {
  const set = engine.ruleset ? `rule set ${short(engine.ruleset)}` : "no rule set yet";
  const seen = age(engine.time, now, paint);
  const share = `${(engine.partitions ?? []).length} of ${PARTITIONS} partitions`;
  const lines = [`${paint("bold", `engine ${safe(engine.name)}`)}  ${safe(engine.state)}${seen}, ${set}, ${share}`];
  // Containers of a scaled service come and go under new names: of one that is gone the line is enough.
  if (engine.state === "stopping" && now - Date.parse(engine.time) > SILENT_MS) return lines;
  const { refused_ruleset: refused } = engine;
  if (refused) lines.push(paint("red", `  refused rule set ${short(refused.digest)}: ${safe(refused.reason)}`));
  const rules = engine.rules.map((rule) => [
    rule.state === "disabled" ? paint("red", "disabled") : paint("green", safe(rule.state)),
    safe(rule.id),
    `${rule.hits} hits of ${rule.evaluations}`,
    rule.errors > 0 ? paint("red", `${rule.errors} errors`) : "",
    safe(rule.reason ?? rule.last_error ?? (rule.last_alert ? `last alert ${rule.last_alert}` : "")),
  ]);
  if (rules.length > 0) lines.push(table(rules, "  "));
  for (const it of engine.refused.slice(0, 5)) {
    lines.push(paint("yellow", `  refused event of ${safe(it.subject)}: ${safe(it.reason)}`));
  }
  lines.push(`  counters  ${numbers(engine.counters)}`);
  return lines;
}

/** The selector, with its entry where that has another name. */
function refusedName({ selector, entry }: NodeStatus["refused"][number]): string {
  if (selector === "") return safe(entry);
  return entry.endsWith(`.${selector}`) ? safe(selector) : `${safe(selector)} of ${safe(entry)}`;
}

/** What does not stand in the text any more, and where it does. */
function more(count: number, what: string): string[] {
  return count > MOST_LINES ? [`  and ${count - MOST_LINES} more ${what}`] : [];
}

function short(digest: string): string {
  return `${safe(digest).slice(0, 19)}…`;
}

function controllerLines(controller: ControllerStatus | null, now: number, paint: Paint): string[] {
  if (!controller) return [`${paint("bold", "controller")}  ${paint("yellow", "has not said anything yet")}`];
  const { desired, ruleset } = controller;
  const lines = [
    `${paint("bold", "controller")}  ${safe(controller.state)}${age(controller.time, now, paint)}, ` +
      `${desired.entries} entries in force (${desired.leases} leased)`,
    `  rule set  ${paint(ruleset.state === "broken" ? "red" : "green", ruleset.state)}${ruleset.digest ? ` ${short(ruleset.digest)}` : ""}`,
  ];
  if (desired.disarmed.length > 0)
    lines.push(paint("red", `  disarmed  ${desired.disarmed.map(safe).join(", ")} (reeve arm takes it back)`));
  for (const [style, word, list] of [
    ["red", "error", ruleset.errors],
    ["yellow", "warning", ruleset.warnings],
  ] as const) {
    for (const it of list) {
      const where = it.file ? `${it.file}${it.line === null ? "" : `:${it.line}`}: ` : "";
      const allowed = it.allowed ? ` (allowed: ${it.allowed})` : "";
      lines.push(paint(style, `  ${word}  ${safe(`${where}${it.rule ? `${it.rule}: ` : ""}${it.message}${allowed}`)}`));
    }
  }
  for (const it of controller.refused.slice(0, 5)) {
    lines.push(
      paint("yellow", `  refused decision ${it.sequence} of ${safe(it.decider ?? it.policy)}: ${safe(it.message)}`),
    );
  }
  lines.push(`  counters  ${numbers(controller.counters)}`);
  return lines;
}

function age(time: string | undefined, now: number, paint: Paint): string {
  const ms = time ? now - Date.parse(time) : Number.NaN;
  if (Number.isNaN(ms)) return "";
  const text = `, seen ${formatDuration(Math.max(0, ms))} ago`;
  return ms > SILENT_MS ? paint("red", text) : text;
}

function numbers(counters: Record<string, number>): string {
  const shown = Object.entries(counters).filter(([, value]) => value !== 0);
  return shown.map(([name, value]) => `${safe(name)} ${value}`).join(", ") || "all 0";
}

function lost(losses: Record<string, number>, paint: Paint): string {
  const shown = Object.values(losses).some((value) => value !== 0);
  return shown ? paint("red", numbers(losses)) : "nothing";
}
