import { ResidualReader } from "../formula/rego/interpret.ts";
import { nameOf } from "../formula/rego/residual.ts";
import type { Expression, Residual, Term } from "../formula/rego/residual.ts";
import { or } from "../../bus/formula/formula.ts";
import type { Formula } from "../../bus/formula/formula.ts";
import type { Lists } from "../model/lists.ts";
import { runOpa } from "./opa.ts";
import type { Stage } from "./stage.ts";

/** Note of a package of which opa could not say in time what is left of it. */
export const NOT_EVALUATED = "opa did not come to an end with it when nothing is known of the event";
/** What a call may take, and each package in it more; and all calls together, so that one package does not hold up the build. */
const CALL_LIMIT_MS = 3000;
const PACKAGE_LIMIT_MS = 30;
const BUDGET_MS = 12_000;
/** Packages of one call: what opa cannot do for one of them, it says of all. */
const BATCH = 250;

/** A package whose set is asked for: `alert` of a rule, `decision` of a policy. */
export interface PartialTarget {
  /** `rule:<id>` or `policy:<id>`. */
  key: string;
  package: string;
  head: "alert" | "decision";
}

/** What must hold of an event for each of them to find something, and what of it is not understood. */
export type RegoFormulas = Map<string, { formula: Formula; notes: string[] }>;

/** What opa leaves of the Rego when nothing is known of the event, by batches; null where it cannot say. */
export type Residuals = { targets: PartialTarget[]; residual: Residual | null }[];

/**
 * Partial evaluation of the staged Rego. Lists stay unknown to opa, which would else write out each element: the reader of what
 * is left knows them. A batch that fails is taken apart, so that one package does not cost the others their formula.
 */
export async function partialRego(stage: Stage, targets: readonly PartialTarget[]): Promise<Residuals> {
  const batches: PartialTarget[][] = [];
  for (let at = 0; at < targets.length; at += BATCH) batches.push(targets.slice(at, at + BATCH));
  const done: Residuals = [];
  const end = performance.now() + BUDGET_MS + targets.length * PACKAGE_LIMIT_MS;
  for (const batch of batches) done.push(...(await evaluate(stage, batch, end)));
  return done;
}

async function evaluate(stage: Stage, targets: PartialTarget[], end: number): Promise<Residuals> {
  const left = end - performance.now();
  if (left <= 0) return [{ targets, residual: null }];
  const limit = Math.min(left, CALL_LIMIT_MS + targets.length * PACKAGE_LIMIT_MS);
  const query = targets.map(({ package: name, head }, n) => `data.${name}.${head} = ${variable(n)}`).join("; ");
  const { status, stdout } = await runOpa(
    [
      ...["eval", "--partial", "--shallow-inlining", "--format", "json", "--timeout", `${Math.ceil(limit)}ms`],
      ...["--unknowns", "input", "--unknowns", "data.lists", "--unknowns", "data.config", "--data", "src", query],
    ],
    stage.dir,
  );
  const residual = status === 0 ? ((JSON.parse(stdout) as { partial?: Residual }).partial ?? null) : null;
  if (residual !== null || targets.length <= 1) return [{ targets, residual }];
  const half = Math.ceil(targets.length / 2);
  const [first, second] = [targets.slice(0, half), targets.slice(half)];
  return [...(await evaluate(stage, first, end)), ...(await evaluate(stage, second, end))];
}

/** The formulas of what is left. */
export function readResiduals(residuals: Residuals, lists: Lists): RegoFormulas {
  const formulas: RegoFormulas = new Map();
  for (const { targets, residual } of residuals) {
    const reader = residual === null ? null : new ResidualReader(residual, lists);
    for (const [n, { key }] of targets.entries()) {
      if (reader === null) {
        formulas.set(key, { formula: true, notes: [NOT_EVALUATED] });
        continue;
      }
      reader.notes = new Set();
      const left = boundTo(residual!.queries ?? [], variable(n));
      const formula = left === null ? true : or(...left.map((term) => reader.hasElement(term)));
      formulas.set(key, { formula, notes: [...reader.notes] });
    }
  }
  return formulas;
}

/** What a variable is bound to in each of the queries that are left; null when that is not said of all of them. */
function boundTo(queries: readonly Expression[][], name: string): Term[] | null {
  const terms = queries.map((body) => {
    for (const { negated, terms } of body) {
      if (negated || !Array.isArray(terms) || terms.length !== 3 || nameOf(terms[0]!) !== "eq") continue;
      const [, left, right] = terms as [Term, Term, Term];
      if (right.type === "var" && right.value === name) return left;
      if (left.type === "var" && left.value === name) return right;
    }
    return null;
  });
  return terms.length === 0 || terms.includes(null) ? null : (terms as Term[]);
}

function variable(n: number): string {
  return `reeve_${n}`;
}
