import jsonata from "jsonata";
import type { Node } from "yaml";
import { parseTemplate } from "../eval/template.ts";
import type { YamlReader } from "./yaml-reader.ts";

/** JSONata out of a YAML value, read as far as its syntax; a mistake becomes a problem. Returns the text when it is sound. */
export function readExpression(reader: YamlReader, node: Node | undefined, what: string): string | undefined {
  // `when: true` is a boolean to YAML, and JSONata all the same.
  const plain = node === undefined ? undefined : reader.plain(node);
  const text =
    typeof plain === "boolean" ? String(plain) : reader.string(node, what, "a JSONata expression over the event");
  if (text === undefined) return undefined;
  const fault = expressionFault(text);
  if (fault === null) return text;
  reader.error(
    node,
    `${what} is not JSONata: ${fault}`,
    "https://docs.jsonata.org, with $startsWith, $endsWith, $cidr, $lists",
  );
  return undefined;
}

/** A message with `{{JSONata}}` in it. */
export function readTemplate(reader: YamlReader, node: Node | undefined, what: string): string | undefined {
  const text = reader.string(node, what, "a text, with {{JSONata}} in it");
  if (text === undefined) return undefined;
  try {
    parseTemplate(text);
    return text;
  } catch (thrown) {
    reader.error(node, `${what}: ${faultText(thrown, text)}`, "a text, with {{JSONata}} in it");
    return undefined;
  }
}

/** What is wrong with the syntax of an expression, or null. */
export function expressionFault(text: string): string | null {
  try {
    jsonata(text);
    return null;
  } catch (thrown) {
    const not = /(^|[^$\w.])not\s+[\w$(]/.test(text) ? `; there is no operator "not": write $not(...)` : "";
    return `${faultText(thrown, text)}${not}`;
  }
}

function faultText(thrown: unknown, text: string): string {
  const error = thrown as Partial<jsonata.JsonataError>;
  const near =
    typeof error.position === "number"
      ? ` near "${text.slice(Math.max(0, error.position - 12), error.position + 8)}"`
      : "";
  return `${error.message ?? String(thrown)}${near}`.replace(/\s+/g, " ");
}
