import type { Ast } from "../../lint/jsonata-ast.ts";
import { and } from "../../../bus/formula/formula.ts";
import type { Formula } from "../../../bus/formula/formula.ts";
import { child } from "./scope.ts";
import { guardOf, truth, truthOf } from "./symbol.ts";
import type { Scope, Symbolic } from "./symbol.ts";

/** What says the value of an expression; `unknown` notes what is not understood. */
export interface Valuer {
  value(node: Ast, scope: Scope, depth: number): Symbolic;
  unknown(node: Ast, what: string, guard?: Formula): Symbolic;
}

const PLAIN_PATH = new Set(["type", "steps", "position"]);
const PLAIN_STEP = new Set([
  "type",
  "value",
  "position",
  "stages",
  "predicate",
  "expressions",
  "lhs",
  "rhs",
  "arguments",
  "procedure",
  "condition",
  "then",
  "else",
  "consarray",
]);
const EXPRESSIONS = new Set(["block", "function", "binary", "condition", "apply"]);

/** A path: names, filters that are booleans, and expressions over what it has come to. */
export function pathOf(node: Ast, scope: Scope, depth: number, interpreter: Valuer): Symbolic {
  if (Object.keys(node).some((key) => !PLAIN_PATH.has(key))) return interpreter.unknown(node, "this form of a path");
  let current = scope.context;
  for (const [index, step] of (node.steps ?? []).entries()) {
    if (Object.keys(step).some((key) => !PLAIN_STEP.has(key))) return interpreter.unknown(step, "this form of a step");
    current = stepOf(step, index, current, scope, depth, interpreter);
    for (const stage of [...(step.stages ?? []), ...(step.predicate ?? [])]) {
      if (stage.type !== "filter" || stage.expr === undefined || current.type !== "field") {
        return interpreter.unknown(step, "a filter here", guardOf(current));
      }
      const context: Symbolic = { ...current, guard: true };
      const filter = interpreter.value(stage.expr, { names: new Map(), above: scope, context }, depth);
      // A number is an index.
      if (filter.type !== "boolean" || !filter.strict) return interpreter.unknown(step, "an index", current.guard);
      current = { ...current, guard: and(current.guard, truthOf(filter).yes), filtered: true };
    }
  }
  return current;
}

function stepOf(
  step: Ast,
  index: number,
  current: Symbolic,
  scope: Scope,
  depth: number,
  interpreter: Valuer,
): Symbolic {
  const { stages: _, predicate: __, ...plain } = step;
  if (step.type === "name" || (step.type === "string" && index > 0)) return child(current, String(step.value));
  if (index === 0) return interpreter.value(plain, scope, depth);
  if (!EXPRESSIONS.has(step.type) || current.type !== "field") {
    return interpreter.unknown(step, `"${step.type}" in a path`, guardOf(current));
  }
  const { guard } = current;
  const value = interpreter.value(
    plain,
    { names: new Map(), above: scope, context: { ...current, guard: true } },
    depth,
  );
  if (value.type === "boolean") return truth(and(guard, value.yes), true, false, value.strict);
  if (value.type === "field" || value.type === "case")
    return { ...value, guard: and(guard, value.guard), filtered: true };
  if (value.type === "part") return { ...value, guard: and(guard, value.guard) };
  return { type: "unknown", guard };
}
