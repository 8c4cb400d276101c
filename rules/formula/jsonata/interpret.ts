import jsonata from "jsonata";
import type { Ast } from "../../lint/jsonata-ast.ts";
import type { Lists } from "../../model/lists.ts";
import { and, or } from "../../../bus/formula/formula.ts";
import type { Formula } from "../../../bus/formula/formula.ts";
import { equal, included, ordered, unequal } from "./compare.ts";
import { FUNCTIONS } from "./functions.ts";
import { pathOf } from "./path.ts";
import type { Valuer } from "./path.ts";
import { child, lookUp } from "./scope.ts";
import { constant, truth, truthOf, UNKNOWN } from "./symbol.ts";
import type { Scope, Symbolic } from "./symbol.ts";

const DEPTH_MAX = 12;
const NOTES_MAX = 20;
/** Functions that call each other many times over are not followed further than this. */
const CALLS_MAX = 2000;

/** Something in a rule that its formula says nothing about. */
export interface Note {
  reason: string;
  /** Offset in the expression; null where it is not known. */
  position: number | null;
}

export interface Interpreted {
  formula: Formula;
  notes: Note[];
}

/** What must hold of an event for a JSONata expression to be true. `lists` are those of the rule set: they change with it only. */
export function interpretJsonata(expression: string, lists: Lists): Interpreted {
  const tree = jsonata(expression).ast() as unknown as Ast;
  return interpretTree(tree, lists);
}

export function interpretTree(tree: Ast, lists: Lists): Interpreted {
  if (!bindsInOrder(tree, false)) {
    return { formula: true, notes: [{ reason: "a name is bound twice or inside of an expression", position: null }] };
  }
  const notes: Note[] = [];
  const names = new Map<string, Symbolic>([["lists", constant(lists)]]);
  const scope: Scope = { names, above: null, context: { type: "field", path: [], guard: true } };
  return { formula: truthOf(new Interpreter(notes).value(tree, scope, 0)).yes, notes };
}

/** The abstract interpreter: what an expression stands for, without an event. */
export class Interpreter implements Valuer {
  readonly #notes: Note[];
  #calls = 0;

  constructor(notes: Note[]) {
    this.#notes = notes;
  }

  value(node: Ast, scope: Scope, depth: number): Symbolic {
    if ((node.predicate ?? node.group ?? node.stages ?? node.keepArray) !== undefined && node.type !== "path") {
      return this.unknown(node, "a filter or group");
    }
    switch (node.type) {
      case "string":
      case "number":
      case "value":
        return constant(node.value);
      case "regex": {
        const { source, flags } = node.value as RegExp;
        return { type: "regex", source, flags };
      }
      case "name":
        return child(scope.context, String(node.value));
      case "variable":
        return this.#variable(node, scope);
      case "path":
        return pathOf(node, scope, depth, this);
      case "block":
        return this.#block(node, scope, depth);
      case "lambda":
        return this.#lambda(node, scope);
      case "function":
        return this.#call(
          node,
          node.procedure!,
          (node.arguments ?? []).map((it) => this.value(it, scope, depth)),
          scope,
          depth,
        );
      case "apply":
        return this.#apply(node, scope, depth);
      case "condition": {
        const { yes, no } = truthOf(this.value(node.condition!, scope, depth));
        const is = this.value(node.then!, scope, depth);
        const other = node.else === undefined ? constant(undefined) : this.value(node.else, scope, depth);
        return {
          type: "choice",
          options: [
            { when: yes, is },
            { when: no, is: other },
          ],
        };
      }
      case "unary":
        return node.value === "[" ? this.#array(node, scope, depth) : this.unknown(node, `"${node.value}"`);
      case "binary":
        return this.#binary(node, scope, depth);
      default:
        return this.unknown(node, `"${node.type}"`);
    }
  }

  unknown(node: Ast, what: string, guard: Formula = true): Symbolic {
    if (this.#notes.length < NOTES_MAX)
      this.#notes.push({ reason: `${what} is not understood`, position: node.position ?? null });
    return { type: "unknown", guard };
  }

  #variable(node: Ast, scope: Scope): Symbolic {
    if (node.value === "") return scope.context;
    if (node.value === "$") return { type: "field", path: [], guard: true };
    return lookUp(scope, String(node.value)) ?? this.unknown(node, `$${node.value}`);
  }

  #block(node: Ast, scope: Scope, depth: number): Symbolic {
    const inner: Scope = { names: new Map(), above: scope, context: scope.context };
    let last: Symbolic = constant(undefined);
    for (const it of node.expressions ?? []) {
      if (it.type !== "bind") last = this.value(it, inner, depth);
      else {
        last = this.value(it.rhs!, inner, depth);
        inner.names.set(String((it.lhs as Ast).value), last);
      }
    }
    return last;
  }

  #lambda(node: Ast, scope: Scope): Symbolic {
    if ((node as { signature?: unknown }).signature !== undefined) return this.unknown(node, "a signature");
    let body = node.body!;
    // A call in tail position is wrapped once more.
    if (body.type === "lambda" && (body as { thunk?: unknown }).thunk === true) body = body.body!;
    return { type: "lambda", parameters: (node.arguments ?? []).map((it) => String(it.value)), body, scope };
  }

  #apply(node: Ast, scope: Scope, depth: number): Symbolic {
    const left = this.value(node.lhs as Ast, scope, depth);
    const right = node.rhs!;
    if (right.type === "function") {
      const more = (right.arguments ?? []).map((it) => this.value(it, scope, depth));
      return this.#call(right, right.procedure!, [left, ...more], scope, depth);
    }
    if (right.type === "variable") return this.#call(right, right, [left], scope, depth);
    // A regular expression that is applied so takes a missing value for the text "undefined".
    return this.unknown(node, '"~>" with this');
  }

  #call(node: Ast, procedure: Ast, values: Symbolic[], scope: Scope, depth: number): Symbolic {
    const name = procedure.type === "variable" ? String(procedure.value) : null;
    const bound = name === null ? this.value(procedure, scope, depth) : lookUp(scope, name);
    if (bound?.type === "lambda" && depth < DEPTH_MAX && ++this.#calls <= CALLS_MAX) {
      const names = new Map(bound.parameters.map((parameter, n) => [parameter, values[n] ?? constant(undefined)]));
      return this.value(bound.body, { names, above: bound.scope, context: bound.scope.context }, depth + 1);
    }
    if (bound !== undefined || name === null) return this.unknown(node, "what is called here");
    const known = FUNCTIONS[`${name}/${values.length}`];
    const note = (reason: string): void => void this.#notes.push({ reason, position: node.position ?? null });
    return known?.(values, note) ?? this.unknown(node, `$${name} of these arguments`);
  }

  #array(node: Ast, scope: Scope, depth: number): Symbolic {
    const items = (node.expressions ?? []).map((it): Symbolic => {
      if (it.type !== "binary" || it.value !== "..") return this.value(it, scope, depth);
      const [low, high] = [this.value(it.lhs as Ast, scope, depth), this.value(it.rhs!, scope, depth)];
      const known = low.type === "constant" && high.type === "constant";
      if (!known || typeof low.value !== "number" || typeof high.value !== "number") return UNKNOWN;
      return { type: "span", low: low.value, high: high.value };
    });
    return { type: "array", items };
  }

  #binary(node: Ast, scope: Scope, depth: number): Symbolic {
    const left = this.value(node.lhs as Ast, scope, depth);
    const right = this.value(node.rhs!, scope, depth);
    const [a, b] = [truthOf(left), truthOf(right)];
    switch (node.value) {
      case "and":
        return truth(and(a.yes, b.yes), or(a.no, b.no));
      case "or":
        return truth(or(a.yes, b.yes), and(a.no, b.no));
      case "=":
        return equal(left, right);
      case "!=":
        return unequal(left, right);
      case "in":
        return included(left, right);
      case "<":
      case "<=":
      case ">":
      case ">=":
        return ordered(node.value, left, right);
      case "&":
        if (
          left.type === "constant" &&
          right.type === "constant" &&
          typeof left.value === "string" &&
          typeof right.value === "string"
        ) {
          return constant(left.value + right.value);
        }
    }
    return this.unknown(node, `"${node.value}"`);
  }
}

/** Whether names are bound in blocks only, each once: then what a name stands for does not depend on what ran before. */
function bindsInOrder(node: unknown, inBlock: boolean): boolean {
  if (typeof node !== "object" || node === null || node instanceof RegExp) return true;
  if (Array.isArray(node)) return node.every((it) => bindsInOrder(it, false));
  const { type, expressions } = node as Ast;
  if (type === "bind" && !inBlock) return false;
  if (type === "block") {
    const names = (expressions ?? []).filter((it) => it.type === "bind").map((it) => (it.lhs as Ast).value);
    return (
      new Set(names).size === names.length &&
      (expressions ?? []).every((it) => bindsInOrder({ ...it, type: it.type }, true))
    );
  }
  return Object.entries(node).every(([key, value]) => key === "position" || bindsInOrder(value, false));
}
