import { isAlias, isMap, isScalar, isSeq, LineCounter, parseAllDocuments } from "yaml";
import type { Document, Node } from "yaml";
import { didYouMean } from "../../bus/nearest.ts";
import type { Place, Problems } from "./problems.ts";

/** The documents of a YAML text, with what is needed to name lines. Errors of syntax go to `problems`. */
export function readYaml(file: string, text: string, problems: Problems, firstLine = 1): YamlReader[] {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter: lines, uniqueKeys: true });
  const readers: YamlReader[] = [];
  for (const document of Array.isArray(documents) ? documents : []) {
    for (const error of document.errors) {
      const line = lines.linePos(error.pos[0]).line + firstLine - 1;
      problems.error({ file, line, rule: null }, `is not YAML: ${error.message.split("\n")[0]!.replace(/:$/, "")}`);
    }
    if (document.errors.length === 0 && document.contents !== null) {
      readers.push(new YamlReader(file, document, lines, problems, firstLine));
    }
  }
  return readers;
}

/** Reads one document: every value that is not as it must be becomes a problem with its line, and undefined here. */
export class YamlReader {
  readonly root: Node;
  /** Named in the problems once it is known. */
  rule: string | null = null;
  readonly #file: string;
  readonly #document: Document;
  readonly #lines: LineCounter;
  readonly #problems: Problems;
  readonly #firstLine: number;

  constructor(file: string, document: Document, lines: LineCounter, problems: Problems, firstLine: number) {
    this.root = document.contents as Node;
    this.#file = file;
    this.#document = document;
    this.#lines = lines;
    this.#problems = problems;
    this.#firstLine = firstLine;
  }

  lineOf(node: Node | undefined): number {
    const offset = (node ?? this.root).range?.[0] ?? 0;
    return this.#lines.linePos(offset).line + this.#firstLine - 1;
  }

  place(node?: Node): Place {
    return { file: this.#file, line: this.lineOf(node), rule: this.rule };
  }

  error(node: Node | undefined, message: string, allowed: string | null = null): void {
    this.#problems.error(this.place(node), message, allowed);
  }

  /** The values of a mapping by key. Keys that are not in `allowed` are errors that name the nearest right one. */
  map(node: Node | undefined, what: string, allowed: readonly string[]): Map<string, Node> | undefined {
    const resolved = this.#resolve(node);
    if (!isMap(resolved)) {
      this.error(node, `${what} is ${kindOf(resolved)}`, `a mapping with ${allowed.join(", ")}`);
      return undefined;
    }
    const values = new Map<string, Node>();
    for (const pair of resolved.items) {
      const key = isScalar(pair.key) ? String(pair.key.value) : "?";
      if (!allowed.includes(key)) {
        const at = isScalar(pair.key) ? pair.key : resolved;
        this.error(at, `${what} has no key "${key}"${didYouMean(key, allowed)}`, allowed.join(", "));
      } else if (pair.value !== null) values.set(key, pair.value as Node);
    }
    return values;
  }

  string(node: Node | undefined, what: string, allowed = "a text"): string | undefined {
    if (node === undefined) return undefined;
    const value = this.#scalar(node);
    if (typeof value === "string" && value.trim() !== "") return value;
    this.error(node, `${what} is ${value === "" ? "empty" : kindOf(this.#resolve(node))}`, allowed);
    return undefined;
  }

  number(node: Node | undefined, what: string, allowed = "a number"): number | undefined {
    if (node === undefined) return undefined;
    const value = this.#scalar(node);
    if (typeof value === "number") return value;
    this.error(node, `${what} is ${kindOf(this.#resolve(node))}`, allowed);
    return undefined;
  }

  /** A text out of a closed set. */
  oneOf<T extends string>(node: Node | undefined, what: string, allowed: readonly T[]): T | undefined {
    const value = this.string(node, what, allowed.join(", "));
    if (value === undefined) return undefined;
    if ((allowed as readonly string[]).includes(value)) return value as T;
    this.error(node, `unknown ${what} "${value}"${didYouMean(value, allowed)}`, allowed.join(", "));
    return undefined;
  }

  /** The items of a sequence; a single value counts as a sequence of one where `single` allows it. */
  items(node: Node | undefined, what: string, allowed: string, single = false): Node[] | undefined {
    const resolved = this.#resolve(node);
    if (isSeq(resolved)) return resolved.items as Node[];
    if (single && node !== undefined) return [node];
    this.error(node, `${what} is ${kindOf(resolved)}`, allowed);
    return undefined;
  }

  /** The value as plain JavaScript. */
  plain(node: Node): unknown {
    return node.toJS(this.#document, { maxAliasCount: 100 });
  }

  #scalar(node: Node): unknown {
    const resolved = this.#resolve(node);
    return isScalar(resolved) ? resolved.value : undefined;
  }

  #resolve(node: Node | undefined): Node | undefined {
    return isAlias(node) ? node.resolve(this.#document) : node;
  }
}

function kindOf(node: Node | undefined): string {
  if (node === undefined) return "missing";
  if (isMap(node)) return "a mapping";
  if (isSeq(node)) return "a sequence";
  const value = isScalar(node) ? node.value : undefined;
  if (value === null || value === undefined) return "empty";
  return typeof value === "string" ? `the text "${value}"` : `${typeof value} ${JSON.stringify(value)}`;
}
