import { readFileSync } from "node:fs";
import { isMap, isNode, isScalar, LineCounter, parseDocument } from "yaml";
import type { Document, Node } from "yaml";
import { nearest } from "../nearest.ts";
import { checkSetting } from "./checks.ts";
import { ConfigError, type ConfigProblem } from "./errors.ts";
import { isSetting, NAMED_SETTINGS, SETTINGS } from "./settings.ts";

/** A value of the file, as written, and where it stands (`reeve.yaml:3:7`). */
export interface FileValue {
  written: unknown;
  where: string;
}

type Tree = { [key: string]: unknown };

/**
 * Reads reeve.yaml: values by dotted name, and everything that is wrong with it.
 * @throws {ConfigError} when it cannot be read at all
 */
export function readConfigFile(file: string): { values: Map<string, FileValue>; problems: ConfigProblem[] } {
  let source: string;
  try {
    source = readFileSync(file, "utf8");
  } catch (cause) {
    throw new ConfigError([{ where: file, key: null, message: `cannot be read: ${(cause as Error).message}` }], cause);
  }
  const lines = new LineCounter();
  const doc = parseDocument(source, { lineCounter: lines, prettyErrors: false });
  const reader = new FileReader(file, doc, lines);
  reader.read();
  return reader;
}

class FileReader {
  readonly values = new Map<string, FileValue>();
  readonly problems: ConfigProblem[] = [];
  readonly #file: string;
  readonly #doc: Document.Parsed;
  readonly #lines: LineCounter;

  constructor(file: string, doc: Document.Parsed, lines: LineCounter) {
    this.#file = file;
    this.#doc = doc;
    this.#lines = lines;
  }

  read(): void {
    for (const error of this.#doc.errors) this.#problem(error.pos[0], null, `not YAML: ${error.message}`);
    if (this.#doc.errors.length > 0 || this.#doc.contents === null) return;
    this.#section(this.#doc.contents, SETTINGS, []);
  }

  #section(node: Node, tree: Tree, path: string[]): void {
    const name = path.length === 0 ? null : path.join(".");
    if (isScalar(node) && node.value === null) return;
    if (!isMap(node)) {
      this.#problem(node.range?.[0] ?? 0, name, `must be a map; allowed keys: ${Object.keys(tree).join(", ")}`);
      return;
    }
    for (const { key, value } of node.items) {
      const word = isScalar(key) ? String(key.value) : "?";
      const start = isNode(key) ? (key.range?.[0] ?? 0) : 0;
      const full = [...path, word];
      const known = Object.hasOwn(tree, word) ? tree[word] : undefined;
      if (known === undefined)
        this.#problem(start, full.join("."), unknownKey(word, full.join("."), Object.keys(tree)));
      else if (!isSetting(known as never)) this.#section(value as Node, known as Tree, full);
      else if (isNode(value)) this.#setting(value, full);
    }
  }

  #setting(node: Node, path: string[]): void {
    const name = path.join(".");
    const written: unknown = node.toJS(this.#doc);
    // A key with nothing behind it is a key that somebody has yet to fill in.
    if (written === null) return;
    const problems = checkSetting(name, written);
    for (const problem of problems) {
      const full = [...path, ...problem.path];
      const at = (problem.message.startsWith("unknown key") ? this.#findKey(full) : this.#find(full)) ?? node;
      const inside = problem.path.length === 0 ? "" : `${problem.field}: `;
      this.#problem(at.range?.[0] ?? 0, name, inside + problem.message);
    }
    if (problems.length === 0) this.values.set(name, { written, where: this.#where(node.range?.[0] ?? 0) });
  }

  /** The key that a path ends with. */
  #findKey(path: string[]): Node | undefined {
    const around = this.#find(path.slice(0, -1));
    const pair = isMap(around)
      ? around.items.find(({ key }) => isScalar(key) && String(key.value) === path.at(-1))
      : undefined;
    return isNode(pair?.key) ? pair.key : undefined;
  }

  /** The node at a path, or of the nearest thing around it. */
  #find(path: string[]): Node | undefined {
    for (let length = path.length; length > 0; length--) {
      const keys = path.slice(0, length).map((part) => (/^\d+$/.test(part) ? Number(part) : part));
      const found: unknown = this.#doc.getIn(keys, true);
      if (isNode(found)) return found;
    }
    return undefined;
  }

  #where(offset: number): string {
    const { line, col } = this.#lines.linePos(offset);
    return `${this.#file}:${line}:${col}`;
  }

  #problem(offset: number, key: string | null, message: string): void {
    this.problems.push({ where: this.#where(offset), key, message });
  }
}

/** The text for a key that does not exist: the nearest one of the section, or of all of them. */
function unknownKey(word: string, full: string, siblings: string[]): string {
  const sibling = nearest(word, siblings);
  if (sibling !== null) {
    const section = full.includes(".") ? `${full.slice(0, full.lastIndexOf("."))}.` : "";
    return `unknown key; did you mean ${section}${sibling}?`;
  }
  const names = NAMED_SETTINGS.map((it) => it.name);
  const elsewhere = names.find((name) => name.endsWith(`.${word}`)) ?? nearest(full, names);
  return `unknown key; ${elsewhere === null ? `allowed: ${siblings.join(", ")}` : `did you mean ${elsewhere}?`}`;
}
