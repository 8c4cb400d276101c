import { ResidualReader } from "../formula/rego/interpret.ts";
import { nameOf } from "../formula/rego/residual.ts";
import type { Expression, Residual, Term } from "../formula/rego/residual.ts";
import { or } from "../formula/formula.ts";
import type { Formula } from "../formula/formula.ts";
import type { Lists } from "../model/lists.ts";
import { runOpa } from "./opa.ts";
import type { Stage } from "./stage.ts";

const TIME_LIMIT = "20s";
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
  for (const batch of batches) done.push(...(await evaluate(stage, batch)));
  return done;
}

async function evaluate(stage: Stage, targets: PartialTarget[]): Promise<Residuals> {
  const query = targets.map(({ package: name, head }, n) => `data.${name}.${head} = ${variable(n)}`).join("; ");
  const { status, stdout } = await runOpa(
    [
      ...["eval", "--partial", "--shallow-inlining", "--format", "json", "--timeout", TIME_LIMIT],
      ...["--unknowns", "input", "--unknowns", "data.lists", "--unknowns", "data.config", "--data", "src", query],
    ],
    stage.dir,
  );
  const residual = status === 0 ? ((JSON.parse(stdout) as { partial?: Residual }).partial ?? null) : null;
  if (residual !== null || targets.length <= 1) return [{ targets, residual }];
  const half = Math.ceil(targets.length / 2);
  return [...(await evaluate(stage, targets.slice(0, half))), ...(await evaluate(stage, targets.slice(half)))];
}

/** The formulas of what is left. */
export function readResiduals(residuals: Residuals, lists: Lists): RegoFormulas {
  const formulas: RegoFormulas = new Map();
  for (const { targets, residual } of residuals) {
    const reader = residual === null ? null : new ResidualReader(residual, lists);
    for (const [n, { key }] of targets.entries()) {
      if (reader === null) {
        formulas.set(key, { formula: true, notes: ["opa cannot evaluate it without an event"] });
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
