/** What `opa eval --partial` leaves of a query, as its JSON has it: only as much of it as is read here. */
export interface Residual {
  queries?: Expression[][];
  support?: SupportModule[];
  modules?: SupportModule[];
}

export interface SupportModule {
  package: { path: Term[] };
  rules: SupportRule[];
}

export interface SupportRule {
  default?: boolean;
  else?: unknown;
  head: { name: string; ref?: Term[]; key?: Term; value?: Term; args?: Term[] };
  body: Expression[];
}

export interface Term {
  type: string;
  value?: unknown;
}

export interface Expression {
  negated?: boolean;
  with?: unknown[];
  /** An operator and its arguments, one term, or `every`. */
  terms?: Term | Term[];
}

/** `startswith`, `data.partial.x.y`: a reference of constants only; null when there is something else in it. */
export function nameOf(ref: Term): string | null {
  if (ref.type !== "ref") return null;
  const parts = ref.value as Term[];
  if (parts.some(({ type }, n) => type !== (n === 0 ? "var" : "string"))) return null;
  return parts.map(({ value }) => String(value)).join(".");
}

/** A term for people. */
export function termText(term: Term): string {
  switch (term.type) {
    case "ref": {
      const [head, ...rest] = term.value as Term[];
      return rest.reduce(
        (text, part) => (part.type === "string" ? `${text}.${part.value}` : `${text}[${termText(part)}]`),
        String(head?.value),
      );
    }
    case "var":
      return String(term.value).replace(/^\$.*|^__local.*/, "_");
    case "call":
      return callText(term.value as Term[]);
    case "array":
    case "set":
      return `[${(term.value as Term[]).map(termText).join(", ")}]`;
    case "string":
    case "number":
    case "boolean":
    case "null":
      return JSON.stringify(term.value ?? null);
    default:
      return term.type;
  }
}

function callText([operator, ...args]: Term[]): string {
  return `${termText(operator!)}(${args.map(termText).join(", ")})`;
}

export function expressionText({ negated, terms }: Expression): string {
  const text = Array.isArray(terms) ? callText(terms) : terms?.type === undefined ? "every" : termText(terms);
  return `${negated ? "not " : ""}${text}`;
}
