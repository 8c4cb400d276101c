import jsonata from "jsonata";
import type { Lists } from "../model/lists.ts";
import type { Ast } from "../lint/jsonata-ast.ts";
import { registerRuleFunctions } from "./jsonata-functions.ts";
import { surelyFalse } from "./jsonata-shortcut.ts";
import { parseTemplate, textOf } from "./template.ts";

/** A compiled expression with the rule functions and `$lists`. */
export class JsonataProgram {
  readonly #expression: jsonata.Expression;
  readonly #surelyFalse: (event: unknown) => boolean;

  constructor(source: string, lists: Lists) {
    this.#expression = jsonata(source);
    registerRuleFunctions(this.#expression);
    this.#expression.assign("lists", lists);
    this.#surelyFalse = surelyFalse(this.#expression.ast() as unknown as Ast, lists);
  }

  value(event: unknown): Promise<unknown> {
    return this.#expression.evaluate(event) as Promise<unknown>;
  }

  /** Whether it certainly does not hold, told without the interpreter; false says nothing. */
  fails(event: unknown): boolean {
    return this.#surelyFalse(event);
  }

  /** Whether the value counts as true, by JSONata's own `$boolean`. */
  async holds(event: unknown): Promise<boolean> {
    const value = await this.#expression.evaluate(event);
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
