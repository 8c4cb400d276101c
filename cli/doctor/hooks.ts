import { release } from "node:os";
import type { RungProbe } from "../../agent/kernel/probe.ts";
import type { Paint } from "../output/paint.ts";
import { safe } from "../output/safe.ts";
import { table } from "../output/table.ts";

/** One hook on this kernel. */
export interface HookReport {
  hook: string;
  /** The rung that the agent takes; null when this kernel takes none. */
  rung: string | null;
  can_deny: boolean;
  /** What selectors can do by it. */
  actions: readonly string[];
  rungs: readonly RungProbe[];
}

export interface HooksReport {
  kernel: string;
  hooks: HookReport[];
}

/** Every hook, with what each of its rungs can do on this kernel: found by loading it for trial. Needs root. */
export async function hooksReport(): Promise<HooksReport> {
  const { probeRungs } = await import("../../agent/kernel/probe.ts");
  return { kernel: release(), hooks: byHook(probeRungs()) };
}

export function byHook(probes: readonly RungProbe[]): HookReport[] {
  const hooks = new Map<string, RungProbe[]>();
  for (const probe of probes) {
    const all = hooks.get(probe.hook);
    if (all === undefined) hooks.set(probe.hook, [probe]);
    else all.push(probe);
  }
  return [...hooks].map(([hook, all]) => {
    const used = all.find((probe) => probe.used);
    return {
      hook,
      rung: used?.rung ?? null,
      can_deny: used?.can_deny ?? false,
      actions: used?.actions ?? [],
      rungs: all,
    };
  });
}

/** A line for each hook, and below those that have no rung here why. */
export function hooksText({ kernel, hooks }: HooksReport, paint: Paint): string {
  const head = ["HOOK", "RUNG", "DENIES", "SELECTORS CAN", "ALSO TAKES", "NOT TAKEN"].map((name) => paint("dim", name));
  const rows = hooks.map((hook) => {
    const also = hook.rungs.filter((rung) => rung.ok && !rung.used).map(({ rung }) => rung);
    const not = hook.rungs.filter((rung) => !rung.ok).map(({ rung }) => rung);
    return [
      hook.hook,
      hook.rung === null ? paint("red", "none") : paint("green", hook.rung),
      hook.can_deny ? "yes" : "no",
      hook.actions.join(", ") || "-",
      also.join(", ") || "-",
      not.join(", ") || "-",
    ];
  });
  const missing = hooks
    .filter(({ rung }) => rung === null)
    .flatMap(({ hook, rungs }) => rungs.map(({ rung, detail }) => `${hook} by ${rung}: ${safe(detail)}`));
  const able = hooks.filter(({ can_deny }) => can_deny).length;
  const seen = hooks.filter(({ rung }) => rung !== null).length;
  return [
    table([head, ...rows]),
    ...(missing.length === 0 ? [] : ["", ...missing]),
    "",
    `${hooks.length} hooks on kernel ${kernel}: ${seen} have a rung, ${able} can deny`,
  ].join("\n");
}
