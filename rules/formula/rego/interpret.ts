import type { Lists } from "../../model/lists.ts";
import { and, atom, or } from "../../../bus/formula/formula.ts";
import type { Formula } from "../../../bus/formula/formula.ts";
import { ELEMENT } from "../../../bus/formula/verify.ts";
import { fails, holds, result } from "./calls.ts";
import { expressionText, nameOf } from "./residual.ts";
import type { Expression, Residual, SupportRule, Term } from "./residual.ts";
import { constantsOf, elementsOf, equal, guardOf, UNKNOWN } from "./symbol.ts";
import type { Value } from "./symbol.ts";

const DEPTH_MAX = 40;
/** Rules that use each other many times over are not followed further than this. */
const RULES_MAX = 20_000;

/** What the variables of a body stand for: a term of it, or what was handed over. */
type Variables = Map<string, { term: Term } | { value: Value }>;

/** The formulas of what one partial evaluation left. `lists` are those of the rule set. */
export class ResidualReader {
  readonly #support = new Map<string, SupportRule[]>();
  readonly #lists: Lists;
  readonly #known = new Map<string, { formula: Formula; notes: Set<string> }>();
  readonly #within = new Set<string>();
  #rules = 0;
  /** What is not understood, in words. */
  notes = new Set<string>();

  constructor(residual: Residual, lists: Lists) {
    this.#lists = lists;
    for (const module of residual.support ?? residual.modules ?? []) {
      const path = module.package.path.map(({ value }) => String(value)).join(".");
      for (const rule of module.rules) {
        const key = `${path}.${(rule.head.ref?.[0]?.value as string | undefined) ?? rule.head.name}`;
        const rules = this.#support.get(key);
        if (rules === undefined) this.#support.set(key, [rule]);
        else rules.push(rule);
      }
    }
  }

  /** What must hold for a set, which a query was bound to a variable, to have an element. */
  hasElement(term: Term): Formula {
    this.#rules = 0;
    if (term.type === "set") return (term.value as Term[]).length > 0;
    const key = term.type === "ref" ? this.#keyOf(term.value as Term[]) : null;
    return key === null ? this.#unclear("what is left of it") : this.#anyRule(key);
  }

  /** Any of a rule's bodies; `args` are those of a function. */
  #anyRule(key: string, args: Value[] | null = null, wanted: "true" | "defined" = "true"): Formula {
    const rules = this.#support.get(key) ?? [];
    const known = args === null ? this.#known.get(`${wanted} ${key}`) : undefined;
    if (known !== undefined) {
      for (const note of known.notes) this.notes.add(note);
      return known.formula;
    }
    if (this.#within.has(key) || this.#within.size > DEPTH_MAX) return this.#unclear("a rule that uses itself");
    this.#within.add(key);
    const outer = this.notes;
    const notes = (this.notes = new Set());
    const formula = or(...rules.map((rule) => this.#rule(rule, args, wanted)));
    this.notes = new Set([...outer, ...notes]);
    this.#within.delete(key);
    if (args === null) this.#known.set(`${wanted} ${key}`, { formula, notes });
    return formula;
  }

  #rule(rule: SupportRule, args: Value[] | null, wanted: "true" | "defined"): Formula {
    if (++this.#rules > RULES_MAX) return this.#unclear("so much");
    if (rule.else !== undefined || rule.default === true) return this.#unclear("else and default");
    const { variables, met } = this.#parameters(rule, args);
    if (wanted === "true" && rule.head.value?.type === "boolean" && rule.head.value.value === false) return false;
    return and(met, this.#body(rule.body, variables));
  }

  /** A function's parameters with what it is called with; `met` is what those demand that are constants. */
  #parameters(rule: SupportRule, args: Value[] | null): { variables: Variables; met: Formula } {
    const variables: Variables = new Map();
    const met = (rule.head.args ?? []).map((parameter, n): Formula => {
      const value = args?.[n] ?? UNKNOWN;
      if (parameter.type !== "var") return equal(value, this.#value(parameter, variables));
      variables.set(String(parameter.value), { value });
      return true;
    });
    return { variables, met: and(...met) };
  }

  #body(body: readonly Expression[], variables: Variables): Formula {
    this.#bind(body, variables);
    return and(...body.map((expression) => this.#expression(expression, variables)));
  }

  /** `x = input.y` and `lower(input.y, x)` say what x stands for. */
  #bind(body: readonly Expression[], variables: Variables): void {
    for (const { negated, terms } of body) {
      if (negated || !Array.isArray(terms)) continue;
      const [operator, ...args] = terms as [Term, ...Term[]];
      const name = nameOf(operator);
      const [left, right] = args;
      const free = (term: Term | undefined): term is Term => term?.type === "var" && !variables.has(String(term.value));
      if ((name === "eq" || name === "assign") && args.length === 2) {
        if (free(left)) variables.set(String(left.value), { term: right! });
        else if (free(right)) variables.set(String(right.value), { term: left! });
      } else if (args.length > 1 && free(args.at(-1))) {
        variables.set(String(args.at(-1)!.value), { term: { type: "call", value: [operator, ...args.slice(0, -1)] } });
      }
    }
  }

  #expression(expression: Expression, variables: Variables): Formula {
    const { negated, terms } = expression;
    if (expression.with?.length) return this.#unclear("with");
    if (Array.isArray(terms)) {
      const [operator, ...args] = terms as [Term, ...Term[]];
      const name = nameOf(operator);
      const values = args.map((arg) => this.#value(arg, variables));
      if (negated) return name === null ? this.#unclear("not") : this.#note(fails(name, values), expression);
      return name === null ? this.#unclear(expressionText(expression)) : this.#call(name, args, values, expression);
    }
    if (terms?.type === undefined) return this.#unclear("every");
    if (negated) return this.#unclear(expressionText(expression));
    if (terms.type === "boolean") return terms.value === true;
    const key = terms.type === "ref" ? this.#keyOf(terms.value as Term[]) : null;
    if (key !== null && this.#isWhole(key, terms.value as Term[])) {
      // A set is true also when there is nothing in it.
      return this.#isPartial(key) ? true : this.#anyRule(key);
    }
    return this.#true(this.#value(terms, variables));
  }

  #true(value: Value): Formula {
    if (value.type === "field") return value.path.length === 0 ? true : atom("set", value.path);
    if (value.type === "choice") return or(...value.options.map(({ when, is }) => and(when, this.#true(is))));
    const constants = constantsOf(value);
    return constants === null ? guardOf(value) : constants.some((one) => one !== false);
  }

  #call(name: string, args: Term[], values: Value[], expression: Expression): Formula {
    const rules = this.#support.get(name);
    if (rules !== undefined) {
      const arity = rules[0]!.head.args?.length ?? 0;
      const given = values.slice(0, arity);
      if (args.length === arity) return this.#anyRule(name, given);
      const bound = this.#anyRule(name, given, "defined");
      if (args[arity]?.type === "var") return bound;
      return and(bound, equal(this.#resultOf(name, given), values[arity]!));
    }
    const formula = holds(name, values, (reason) => this.notes.add(reason));
    if (formula !== null) return formula;
    // With one argument more than it takes, a builtin says what its result is.
    const given = result(name, values.slice(0, -1));
    const last = args.at(-1);
    if (given.type !== "unknown") return last?.type === "var" ? true : equal(given, values.at(-1)!);
    if (last?.type === "var") return true;
    return this.#unclear(expressionText(expression));
  }

  /** What a function of the residual gives: one value by each of its rules. */
  #resultOf(key: string, args: Value[]): Value {
    const rules = this.#support.get(key) ?? [];
    if (
      ++this.#rules > RULES_MAX ||
      this.#within.has(`= ${key}`) ||
      rules.some((rule) => rule.else !== undefined || rule.default)
    )
      return UNKNOWN;
    this.#within.add(`= ${key}`);
    const options = rules.map((rule) => {
      const { variables, met } = this.#parameters(rule, args);
      const when = and(met, this.#body(rule.body, variables));
      return { when, is: rule.head.value === undefined ? UNKNOWN : this.#value(rule.head.value, variables) };
    });
    this.#within.delete(`= ${key}`);
    return options.length === 1 && options[0]!.when === true ? options[0]!.is : { type: "choice", options };
  }

  #value(term: Term, variables: Variables): Value {
    switch (term.type) {
      case "string":
      case "number":
      case "boolean":
      case "null":
        return { type: "constant", value: term.value ?? null };
      case "var":
        return this.#variable(String(term.value), variables);
      case "array":
      case "set":
        return { type: "list", items: (term.value as Term[]).map((item) => this.#value(item, variables)) };
      case "object":
        return { type: "list", items: (term.value as [Term, Term][]).map(([, item]) => this.#value(item, variables)) };
      case "ref":
        return this.#reference(term.value as Term[], variables);
      case "call": {
        const [operator, ...args] = term.value as [Term, ...Term[]];
        const name = nameOf(operator);
        const values = args.map((arg) => this.#value(arg, variables));
        if (name === null) return UNKNOWN;
        return this.#support.has(name) ? this.#resultOf(name, values) : result(name, values);
      }
      case "arraycomprehension":
      case "setcomprehension": {
        const inner: Variables = new Map(variables);
        const { term: head, body } = term.value as { term: Term; body: Expression[] };
        const when = this.#body(body, inner);
        return { type: "each", when, is: this.#value(head, inner) };
      }
      default:
        return UNKNOWN;
    }
  }

  #variable(name: string, variables: Variables): Value {
    const bound = variables.get(name);
    if (bound === undefined) return UNKNOWN;
    if ("value" in bound) return bound.value;
    variables.set(name, { value: UNKNOWN }); // one that stands for itself
    const value = this.#value(bound.term, variables);
    variables.set(name, { value });
    return value;
  }

  #reference([head, ...steps]: Term[], variables: Variables): Value {
    if (head === undefined) return UNKNOWN;
    if (head.type === "var" && head.value === "data") return this.#data([head, ...steps], variables);
    const base: Value =
      head.type === "var" && head.value === "input" ? { type: "field", path: [] } : this.#value(head, variables);
    return steps.reduce<Value>((value, step) => this.#step(value, step, variables), base);
  }

  #step(value: Value, step: Term, variables: Variables): Value {
    if (value.type === "field" && step.type === "string")
      return { type: "field", path: [...value.path, String(step.value)] };
    const key = this.#value(step, variables);
    if (value.type === "pieces") {
      const last = key.type === "lastIndex" && JSON.stringify(key.of) === JSON.stringify(value.of);
      return { type: "piece", of: value.of, last, by: value.by };
    }
    if (value.type === "constant" && typeof value.value === "object" && value.value !== null)
      return elementAt(value.value, key);
    if (value.type === "each") return { type: "choice", options: [{ when: value.when, is: value.is }] };
    if (value.type === "choice") {
      return {
        type: "choice",
        options: value.options.map(({ when, is }) => ({ when, is: this.#step(is, step, variables) })),
      };
    }
    // Whatever is looked up in it by a variable: an element of a list.
    if (value.type === "field" && key.type === "unknown") return { type: "field", path: [...value.path, ELEMENT] };
    if (value.type === "field" && key.type === "constant" && typeof key.value === "number")
      return { type: "field", path: [...value.path, ELEMENT] };
    const elements = elementsOf(value);
    if (elements === null) return { type: "unknown", guard: guardOf(value) };
    const constants = elements.map(constantsOf);
    return constants.includes(null) ? UNKNOWN : { type: "oneOf", values: constants.flat() };
  }

  #data(ref: Term[], variables: Variables): Value {
    const [, root, name, ...keys] = ref;
    if (root?.value === "lists" && name?.type === "string") {
      const list = Object.hasOwn(this.#lists, String(name.value)) ? this.#lists[String(name.value)] : undefined;
      // A list that is not there is undefined: nothing that needs it holds.
      if (list === undefined) return { type: "unknown", guard: false };
      return keys.reduce<Value>((value, step) => this.#step(value, step, variables), { type: "constant", value: list });
    }
    const key = this.#keyOf(ref);
    if (key === null) return UNKNOWN;
    const steps = ref.slice(key.split(".").length);
    if (this.#isPartial(key))
      return steps.length === 0 ? UNKNOWN : { type: "unknown", guard: this.#anyRule(key, null, "defined") };
    return steps.reduce<Value>((value, step) => this.#step(value, step, variables), this.#resultOf(key, []));
  }

  #isWhole(key: string, ref: readonly Term[]): boolean {
    return key.split(".").length === ref.length;
  }

  /** Whether a rule makes a set or an object: that is always there. */
  #isPartial(key: string): boolean {
    return (this.#support.get(key) ?? []).some(({ head }) => head.key !== undefined || (head.ref?.length ?? 1) > 1);
  }

  /** The support rule that a reference begins with. */
  #keyOf(ref: readonly Term[]): string | null {
    let key = "data";
    let found: string | null = null;
    for (const { type, value } of ref.slice(1)) {
      if (type !== "string") break;
      key += `.${String(value)}`;
      if (this.#support.has(key)) found = key;
    }
    return found;
  }

  #note(formula: Formula, expression: Expression): Formula {
    if (formula === true) this.notes.add(`${expressionText(expression)} is not understood`);
    return formula;
  }

  #unclear(what: string): Formula {
    this.notes.add(`${what} is not understood`);
    return true;
  }
}

/** An element of a known collection. */
function elementAt(collection: object, key: Value): Value {
  const keys = constantsOf(key);
  if (keys?.length === 1 && (typeof keys[0] === "string" || typeof keys[0] === "number")) {
    const own = Object.hasOwn(collection, keys[0]) ? (collection as Record<string, unknown>)[keys[0]] : undefined;
    return own === undefined ? { type: "unknown", guard: false } : { type: "constant", value: own };
  }
  const names = Array.isArray(collection) ? null : Object.keys(collection);
  if (names !== null && (key.type === "field" || key.type === "lower" || key.type === "piece")) {
    const guard = or(...names.map((name) => equal(key, { type: "constant", value: name })));
    return { type: "unknown", guard };
  }
  return { type: "oneOf", values: Object.values(collection) };
}
