/**
 * A regular expression as far as JavaScript and RE2 read it in the same way. `gap` is any text, also none; `begin` and `end`
 * are those of the whole text.
 */
export type RegexNode =
  | { type: "text"; text: string }
  | { type: "gap" | "nothing" | "begin" | "end" }
  | { type: "sequence"; parts: RegexNode[] }
  | { type: "alternatives"; branches: RegexNode[] }
  | { type: "repeat"; part: RegexNode; least: number; most: number };

export interface RegexTree {
  root: RegexNode;
  fold: boolean;
}

/** Thrown where an expression is not understood. */
export class NotUnderstood extends Error {}

const CLASS_MAX = 6;
const ESCAPED: Record<string, string> = { n: "\n", t: "\t", r: "\r", f: "\f", v: "\v" };

/** @throws NotUnderstood */
export function parseRegex(source: string, flags: string): RegexTree {
  return new Parser(source, flags).parse();
}

class Parser {
  readonly #source: string;
  #at = 0;
  #fold: boolean;
  #multiline: boolean;

  constructor(source: string, flags: string) {
    this.#source = source;
    this.#fold = flags.includes("i");
    this.#multiline = flags.includes("m");
    const inline = /^\(\?([ims]+)\)/.exec(source);
    if (inline === null) return;
    this.#at = inline[0].length;
    this.#fold ||= inline[1]!.includes("i");
    this.#multiline ||= inline[1]!.includes("m");
  }

  parse(): RegexTree {
    const root = this.#alternatives();
    if (this.#at < this.#source.length) throw new NotUnderstood(`")" at ${this.#at}`);
    return { root, fold: this.#fold };
  }

  #alternatives(): RegexNode {
    const branches = [this.#sequence()];
    while (this.#source[this.#at] === "|") {
      this.#at++;
      branches.push(this.#sequence());
    }
    return branches.length === 1 ? branches[0]! : { type: "alternatives", branches };
  }

  #sequence(): RegexNode {
    const parts: RegexNode[] = [];
    while (this.#at < this.#source.length && !"|)".includes(this.#source[this.#at]!)) parts.push(this.#repeated());
    return { type: "sequence", parts };
  }

  #repeated(): RegexNode {
    let part = this.#one();
    for (;;) {
      const bounds = this.#bounds();
      if (bounds === null) return part;
      if (this.#source[this.#at] === "?") this.#at++;
      else if (this.#source[this.#at] === "+") throw new NotUnderstood("a possessive repetition");
      part = { type: "repeat", part, least: bounds[0], most: bounds[1] };
    }
  }

  #bounds(): [number, number] | null {
    const found = /^(?:[*+?]|\{(\d+)(,(\d*))?\})/.exec(this.#source.slice(this.#at));
    if (found === null) return null;
    this.#at += found[0].length;
    if (found[0] === "*") return [0, Infinity];
    if (found[0] === "+") return [1, Infinity];
    if (found[0] === "?") return [0, 1];
    const least = Number(found[1]);
    return [least, found[2] === undefined ? least : found[3] ? Number(found[3]) : Infinity];
  }

  #one(): RegexNode {
    const char = this.#source[this.#at++]!;
    if (char === "(") return this.#group();
    if (char === "[") return this.#class();
    if (char === "\\") return this.#escape();
    if (char === ".") return { type: "gap" };
    if (char === "^") return { type: this.#multiline ? "nothing" : "begin" };
    if (char === "$") return { type: this.#multiline ? "nothing" : "end" };
    if ("*+?".includes(char)) throw new NotUnderstood(`"${char}" with nothing before it`);
    // Half of a surrogate pair to JavaScript, one character to RE2.
    return char >= "\x80" ? { type: "gap" } : { type: "text", text: char };
  }

  #group(): RegexNode {
    const rest = this.#source.slice(this.#at);
    const opening = /^\?(?:<?[=!]|:|P?<[A-Za-z_]\w*>)/.exec(rest);
    if (opening === null && rest.startsWith("?")) throw new NotUnderstood(`"(${rest.slice(0, 4)}"`);
    this.#at += opening?.[0].length ?? 0;
    const inner = this.#alternatives();
    if (this.#source[this.#at++] !== ")") throw new NotUnderstood('"(" without ")"');
    return opening !== null && /[=!]$/.test(opening[0]) ? { type: "nothing" } : inner;
  }

  #class(): RegexNode {
    const chars: string[] = [];
    let listed = this.#source[this.#at] !== "^";
    if (!listed) this.#at++;
    // RE2 takes a "]" that stands first for itself, JavaScript for the end.
    if (this.#source[this.#at] === "]") throw new NotUnderstood('"[]"');
    while (this.#at < this.#source.length && this.#source[this.#at] !== "]") {
      const char = this.#classChar();
      if (char === null) listed = false;
      else chars.push(char);
      if (this.#source[this.#at] === "-" && this.#source[this.#at + 1] !== "]") {
        listed = false;
        this.#at++;
        this.#classChar();
      }
    }
    if (this.#source[this.#at++] !== "]") throw new NotUnderstood('"[" without "]"');
    if (!listed || chars.length > CLASS_MAX) return { type: "gap" };
    return { type: "alternatives", branches: chars.map((text) => ({ type: "text", text })) };
  }

  /** A character of a class; null for what stands for several. */
  #classChar(): string | null {
    const rest = this.#source.slice(this.#at);
    const several = /^(?:\[:\^?\w+:\]|\\[dwsDWSbB])/.exec(rest);
    if (several !== null) {
      this.#at += several[0].length;
      return null;
    }
    if (!rest.startsWith("\\")) {
      this.#at++;
      return rest[0]! >= "\x80" ? null : rest[0]!;
    }
    this.#at++;
    const node = this.#escape();
    if (node.type === "text") return node.text;
    throw new NotUnderstood("an escape in a class");
  }

  #escape(): RegexNode {
    const char = this.#source[this.#at++];
    if (char === undefined) throw new NotUnderstood('"\\" at the end');
    if ("dDwWsS".includes(char) || /[1-9]/.test(char)) return { type: "gap" };
    if ("bB".includes(char)) return { type: "nothing" };
    if (char === "A") return { type: "begin" };
    if (char === "z") return { type: "end" };
    if (char === "x") {
      const hex = /^[0-7][0-9a-fA-F]/.exec(this.#source.slice(this.#at));
      if (hex === null) throw new NotUnderstood("\\x");
      this.#at += 2;
      return { type: "text", text: String.fromCharCode(parseInt(hex[0], 16)) };
    }
    if (ESCAPED[char] !== undefined) return { type: "text", text: ESCAPED[char] };
    if (/[A-Za-z0-9]/.test(char) || char >= "\x80") throw new NotUnderstood(`\\${char}`);
    return { type: "text", text: char };
  }
}
