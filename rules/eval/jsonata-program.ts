import jsonata from "jsonata";
import type { Lists } from "../model/lists.ts";
import type { Ast } from "../lint/jsonata-ast.ts";
import { registerRuleFunctions } from "./jsonata-functions.ts";
import { knownValue } from "./jsonata-known.ts";
import type { Part } from "./jsonata-known.ts";
import { MATCHED, truth, UNKNOWN } from "./jsonata-known-value.ts";
import { parseTemplate, textOf } from "./template.ts";

/** A compiled expression with the rule functions and `$lists`. */
export class JsonataProgram {
  readonly #expression: jsonata.Expression;
  readonly #known: Part;

  constructor(source: string, lists: Lists) {
    this.#expression = jsonata(source);
    registerRuleFunctions(this.#expression);
    this.#expression.assign("lists", lists);
    this.#known = knownValue(this.#expression.ast() as unknown as Ast, lists);
  }

  async value(event: unknown): Promise<unknown> {
    const value = this.#known(event);
    return value === UNKNOWN || value === MATCHED || Array.isArray(value) ? this.#expression.evaluate(event) : value;
  }

  /** Whether it holds, where that can be told without the interpreter; null where it cannot. */
  decide(event: unknown): boolean | null {
    const value = truth(this.#known(event));
    return value === UNKNOWN ? null : value;
  }

  /** Whether the value counts as true, by JSONata's own `$boolean`. */
  async holds(event: unknown): Promise<boolean> {
    return this.decide(event) ?? (await this.interpret(event));
  }

  /** The same by the interpreter alone. */
  async interpret(event: unknown): Promise<boolean> {
    const value: unknown = await this.#expression.evaluate(event);
    return value === true || (value !== false && value !== undefined && isTrue(value));
  }
}

/** A message with its expressions compiled. */
export class Template {
  readonly #parts: (string | JsonataProgram)[];

  constructor(source: string, lists: Lists) {
    this.#parts = parseTemplate(source).map((part) =>
      "text" in part ? part.text : new JsonataProgram(part.expression, lists),
    );
  }

  async text(event: unknown): Promise<string> {
    let text = "";
    for (const part of this.#parts) text += typeof part === "string" ? part : textOf(await part.value(event));
    return text;
  }
}

function isTrue(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(isTrue);
  if (typeof value === "object" && value !== null) return Object.keys(value).length > 0;
  return typeof value !== "function" && Boolean(value);
}
