import jsonata from "jsonata";
import { RULE_FUNCTIONS } from "../eval/jsonata-functions.ts";
import { didYouMean } from "../../bus/nearest.ts";
import type { Schema } from "./event-schema.ts";
import { step } from "./event-schema.ts";
import type { Ast } from "./jsonata-ast.ts";
import { calledName, childrenOf } from "./jsonata-ast.ts";

/** JSONata's own functions. */
const BUILTINS =
  "sum count max min average string substring substringBefore substringAfter lowercase uppercase length trim pad match contains replace split join formatNumber formatBase formatInteger parseInteger number floor ceil round abs sqrt power random boolean not map zip filter single reduce sift keys lookup append exists spread merge reverse each error assert type sort shuffle distinct base64encode base64decode encodeUrlComponent encodeUrl decodeUrlComponent decodeUrl eval toMillis fromMillis clone now millis".split(
    " ",
  );
/** Those that say something about a value that is missing; all others are missing then themselves. */
const TOTAL = new Set([...Object.keys(RULE_FUNCTIONS), "exists", "count", "now", "millis", "random", "append"]);

export interface Finding {
  severity: "error" | "warning";
  message: string;
  allowed: string | null;
  /** Offset in the expression. */
  position: number;
}

interface Scope {
  /** Where names are looked up; null where that is not known. */
  context: Schema | null;
  root: Schema;
  variables: Set<string>;
}

/**
 * What is wrong, or goes silently wrong, in a sound expression over an event of this schema: fields and functions that do
 * not exist (errors); comparisons and negations that mean something else than they say where a field is missing (warnings).
 */
export function lintExpression(expression: string, schema: Schema): Finding[] {
  const findings: Finding[] = [];
  const tree = jsonata(expression).ast() as unknown as Ast;
  const variables = new Set([...BUILTINS, ...Object.keys(RULE_FUNCTIONS), "lists", "", "$"]);
  new Linter(expression, findings).check(tree, { context: schema, root: schema, variables });
  return findings;
}

class Linter {
  readonly #expression: string;
  readonly #findings: Finding[];

  constructor(expression: string, findings: Finding[]) {
    this.#expression = expression;
    this.#findings = findings;
  }

  check(node: Ast, scope: Scope): void {
    if (node.type === "path") {
      this.#path(node, scope);
      return;
    }
    this.#calls(node, scope);
    this.#missing(node, scope);
    let inner = scope;
    if (node.type === "block" || node.type === "lambda") inner = { ...scope, variables: new Set(scope.variables) };
    if (node.type === "lambda")
      for (const argument of node.arguments ?? []) inner.variables.add(String(argument.value));
    if (node.type === "bind") scope.variables.add(String((node.lhs as Ast).value));
    for (const child of childrenOf(node)) {
      if (node.type === "lambda" && node.arguments?.includes(child)) continue;
      this.check(child, inner);
    }
    for (const part of node.predicate ?? []) if (part.expr) this.check(part.expr, { ...inner, context: null });
  }

  /** Follows a path through the schema; the context of a filter is what it filters. */
  #path(node: Ast, scope: Scope): void {
    let context = scope.context;
    for (const [index, part] of (node.steps ?? []).entries()) {
      if (part.type === "name") context = this.#name(part, context);
      else {
        this.check(part, { ...scope, context });
        context = index === 0 && part.type === "variable" ? variableContext(part, scope) : null;
      }
      for (const stage of [...(part.stages ?? []), ...(part.predicate ?? [])]) {
        if (stage.expr) this.check(stage.expr, { ...scope, context });
      }
    }
  }

  #name(part: Ast, context: Schema | null): Schema | null {
    if (context === null) return null;
    const found = step(context, String(part.value));
    if (!("unknown" in found)) return found.schema;
    const near = didYouMean(String(part.value), found.unknown);
    this.#add("error", part, `there is no field "${part.value}" here${near}`, found.unknown.join(", ") || "no fields");
    return null;
  }

  #calls(node: Ast, scope: Scope): void {
    if (node.type !== "function") return;
    const name = calledName(node);
    const known = [...scope.variables].filter(
      (variable) => variable !== "" && variable !== "$" && variable !== "lists",
    );
    if (name !== null && !scope.variables.has(name)) {
      this.#add(
        "error",
        node,
        `there is no function $${name}${didYouMean(name, known)}`,
        known.map((f) => `$${f}`).join(", "),
      );
    }
    const procedure = node.procedure;
    const plain = procedure?.type === "path" ? procedure.steps?.[0]?.value : undefined;
    if (procedure?.type === "path" && procedure.steps?.length === 1 && typeof plain === "string") {
      const meant = known.includes(plain)
        ? `: write $${plain}(...)`
        : didYouMean(
            `$${plain}`,
            known.map((f) => `$${f}`),
          );
      this.#add("error", node, `"${plain}" is not a function${meant}`, known.map((f) => `$${f}`).join(", "));
      procedure.type = "variable"; // said once; its name is no field either
    }
  }

  #missing(node: Ast, scope: Scope): void {
    if (node.type === "binary" && node.value === "!=") {
      const path = this.#optional(node.lhs as Ast, scope) ?? this.#optional(node.rhs, scope);
      if (path === null) return;
      const text = `${path} may be missing, and "!=" is false then`;
      this.#add("warning", node, text, `$not((${path} = ...) = true)`);
    }
    if (calledName(node) !== "not") return;
    const argument = unwrap(node.arguments?.[0]);
    if (argument === undefined) return;
    if (calledName(argument) === "match") {
      const text =
        "$match(...) is missing where nothing matches, and $not of a missing value is missing: this is never true";
      this.#add("warning", node, text, "$not($contains(text, /pattern/))");
      return;
    }
    const undefinedPath = this.#optional(argument, scope);
    if (undefinedPath !== null) {
      const text = `${undefinedPath} may be missing, and $not of a missing value is missing, not true`;
      this.#add("warning", node, text, "$not((...) = true)");
    } else if (isComparison(argument) && !isBoolean(argument.rhs)) {
      const path = this.#optional(argument.lhs as Ast, scope) ?? this.#optional(argument.rhs, scope);
      if (path === null) return;
      const text = `${path} may be missing, and this is true then`;
      this.#add("warning", node, text, `$exists(${path}) and ..., or $not((...) = true) where that is meant`);
    }
  }

  /** The path that makes an expression missing, or null when it never is, as far as is known. */
  #optional(node: Ast | undefined, scope: Scope): string | null {
    if (node === undefined) return null;
    switch (node.type) {
      case "path":
        return optionalPath(node, scope);
      case "binary":
        if (["=", "!=", "in", "and", "or", "&", ".."].includes(String(node.value))) return null;
        return this.#optional(node.lhs as Ast, scope) ?? this.#optional(node.rhs, scope);
      case "block":
        return this.#optional(node.expressions?.at(-1), scope);
      case "condition":
        return this.#optional(node.then, scope) ?? this.#optional(node.else, scope);
      case "function": {
        const name = calledName(node);
        if (name === null || TOTAL.has(name) || !BUILTINS.includes(name)) return null;
        return name === "not" || (node.arguments ?? []).length > 0 ? this.#optional(node.arguments?.[0], scope) : null;
      }
      default:
        return null;
    }
  }

  #add(severity: Finding["severity"], node: Ast, message: string, allowed: string | null): void {
    const position = Math.min(node.position ?? 0, this.#expression.length);
    this.#findings.push({ severity, message, allowed, position });
  }
}

function optionalPath(node: Ast, scope: Scope): string | null {
  let context = scope.context;
  const names: string[] = [];
  for (const [index, part] of (node.steps ?? []).entries()) {
    if (index === 0 && part.type === "variable") {
      context = variableContext(part, scope);
      continue;
    }
    if (part.type !== "name" || context === null) return null;
    names.push(String(part.value));
    if ((part.stages ?? part.predicate ?? []).length > 0) return names.join(".");
    const found = step(context, String(part.value));
    if ("unknown" in found) return null;
    if (found.optional) return (node.steps ?? []).map((step) => String(step.value)).join(".");
    context = found.schema;
  }
  return null;
}

function variableContext(part: Ast, scope: Scope): Schema | null {
  return part.value === "$" ? scope.root : part.value === "" ? scope.context : null;
}

function unwrap(node: Ast | undefined): Ast | undefined {
  let inner = node;
  while (inner?.type === "block" && inner.expressions?.length === 1) inner = inner.expressions[0];
  return inner;
}

function isComparison(node: Ast): boolean {
  return node.type === "binary" && ["=", "in"].includes(String(node.value));
}

function isBoolean(node: Ast | undefined): boolean {
  return node?.type === "value" && typeof node.value === "boolean";
}
