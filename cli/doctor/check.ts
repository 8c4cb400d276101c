/**
 * One line of `reeve doctor`. `state`: `ok`; `missing` (with `required`, the main job does not run without it); `unknown` where
 * it cannot be seen without root. `help` says what to do.
 */
export interface Check {
  name: string;
  state: "ok" | "missing" | "unknown";
  required: boolean;
  detail: string;
  help?: string;
}

export function ok(name: string, detail: string, required = true): Check {
  return { name, state: "ok", required, detail };
}

export function missing(name: string, detail: string, help: string, required = true): Check {
  return { name, state: "missing", required, detail, help };
}

export function unknown(name: string, detail: string, help: string, required = true): Check {
  return { name, state: "unknown", required, detail, help };
}

/** Whether `reeve up` would do its main job here. What could not be looked at counts as a no. */
export function wouldRun(checks: readonly Check[]): boolean {
  return checks.every((check) => !check.required || check.state === "ok");
}
