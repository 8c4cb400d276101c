import jsonata from "jsonata";

/** A message's parts: text as it is, expressions to be evaluated. */
export type TemplatePart = { text: string } | { expression: string; offset: number };

/**
 * Takes `"{{process.binary}} was run"` apart. An expression ends at the first `}}` up to which it is JSONata, so that it
 * may hold braces itself. Throws what jsonata says of the first one that is none, with `offset` of it in the template.
 */
export function parseTemplate(template: string): TemplatePart[] {
  const parts: TemplatePart[] = [];
  let at = 0;
  while (at < template.length) {
    const open = template.indexOf("{{", at);
    if (open < 0) break;
    if (open > at) parts.push({ text: template.slice(at, open) });
    const expression = expressionAt(template, open + 2);
    parts.push({ expression, offset: open + 2 });
    at = open + 2 + expression.length + 2;
  }
  if (at < template.length) parts.push({ text: template.slice(at) });
  return parts;
}

function expressionAt(template: string, start: number): string {
  let failure: unknown;
  for (let end = template.indexOf("}}", start); end >= 0; end = template.indexOf("}}", end + 1)) {
    const expression = template.slice(start, end);
    try {
      jsonata(expression);
      return expression;
    } catch (thrown) {
      failure ??= thrown;
    }
  }
  throw failure ?? new Error(`"{{" without "}}"`);
}

/** A value as it stands in a message: nothing for a missing one, JSON for what is not a scalar. */
export function textOf(value: unknown): string {
  if (value === undefined || value === null) return "";
  if (typeof value === "string") return value;
  return typeof value === "number" || typeof value === "boolean" ? String(value) : JSON.stringify(value);
}
