import { HOOKS } from "../../bus/types/selector.ts";
import type { Paint } from "../output/paint.ts";
import { safe } from "../output/safe.ts";
import { wouldRun } from "./check.ts";
import type { Check } from "./check.ts";

/** The checks for people: a line each, what to do below the ones that are not ok, and the verdict. */
export function doctorText(checks: readonly Check[], paint: Paint): string {
  const width = Math.max(...checks.map((check) => check.name.length));
  const lines: string[] = [];
  for (const check of checks) {
    lines.push(`${mark(check, paint)}  ${check.name.padEnd(width)}  ${safe(check.detail)}`);
    if (check.state !== "ok" && check.help) lines.push(`${" ".repeat(width + 11)}${paint("dim", "->")} ${check.help}`);
  }
  const stops = checks.filter((check) => check.required && check.state !== "ok");
  lines.push("");
  lines.push(
    wouldRun(checks)
      ? paint("green", `reeve up would run here: processes are seen and alerts raised; ${deniable(checks)}`)
      : paint("red", `reeve up would not do its job here: ${stops.map((check) => check.name).join(", ")}`),
  );
  return lines.join("\n");
}

/** How the detail of a rung that denies begins. */
const DENIES = /^(in use|works too): denies /;

function deniable(checks: readonly Check[]): string {
  const able = (hook: string): boolean =>
    checks.some((it) => it.state === "ok" && it.name.startsWith(`${hook} by `) && DENIES.test(it.detail));
  const found = HOOKS.filter(able);
  return found.length > 0 ? `selectors can deny ${found.join(", ")}` : "nothing can be denied on this kernel";
}

function mark(check: Check, paint: Paint): string {
  const word = check.state.padEnd(7);
  if (check.state === "ok") return paint("green", word);
  return paint(check.required ? "red" : "yellow", word);
}
