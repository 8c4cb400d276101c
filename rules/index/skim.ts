import { UNCLEAR } from "../formula/verify.ts";
import type { Candidates } from "./candidates.ts";
import type { KindIndex } from "./kind-index.ts";
import { memberAt, planOf } from "./skim-plan.ts";
import type { SkimPlan } from "./skim-plan.ts";

const [QUOTE, BACKSLASH, COMMA, COLON] = [34, 92, 44, 58];
const [OPEN, CLOSE, OPEN_LIST, CLOSE_LIST] = [123, 125, 91, 93];

/** Thrown, as a value that costs nothing, where the text is not written as JSON.stringify writes it. */
const UNUSUAL = Symbol("unusual");

/**
 * Looks at an event's JSON before it is parsed, which costs more than all the rest: only at the fields that the index of its
 * kind needs, and no further than to the last of them. What it does not expect (white space, names with escapes, a list where
 * none should be) it leaves to the parser. Of two members of the same name it sees the first.
 */
export class Skim {
  readonly #plan: SkimPlan;
  readonly #candidates: Candidates;
  readonly #blind: boolean;
  #text = "";
  #at = 0;
  /** Objects that are not read to their end, as long as nothing after them is wanted. */
  #open = 0;

  constructor(index: KindIndex) {
    this.#plan = planOf(index.fields);
    this.#candidates = index.candidates;
    // Of a name that every object has JavaScript sees more than JSON says.
    const special = index.fields.some(({ path }) => path.some((name) => name in {}));
    this.#blind = special || index.always.length > 0;
  }

  /**
   * Whether a line of a message, as Latin-1, has to be parsed: false where it is an event of this kind and node that no rule
   * can find something in.
   */
  concerns(text: string, start: number, kind: string, node: string): boolean {
    if (this.#blind) return true;
    this.#text = text;
    this.#at = start;
    this.#open = 0;
    this.#candidates.begin();
    try {
      return !this.#isEvent(kind, node) || this.#candidates.count > 0;
    } catch (thrown) {
      if (thrown !== UNUSUAL) throw thrown;
      return true;
    }
  }

  /** Whether it is an event of this kind and node; what is wanted of it is handed to the index. */
  #isEvent(kind: string, node: string): boolean {
    let left = this.#plan.wanted + 2;
    let seen = 0;
    this.#expect(OPEN);
    while (left > 0) {
      const start = this.#name();
      const end = this.#at - 2;
      const length = end - start;
      if (length === 4 && this.#isAt("kind", start)) {
        if (!this.#isText(kind)) return false;
        seen++;
        left--;
      } else if (length === 4 && this.#isAt("node", start)) {
        if (!this.#isText(node)) return false;
        seen++;
        left--;
      } else {
        const member = memberAt(this.#plan, this.#text, start, end);
        if (member === null) this.#skip();
        else {
          this.#take(member);
          left--;
          if (this.#candidates.count > 0) return true;
        }
      }
      if (left === 0) break;
      this.#close();
      if (this.#text.charCodeAt(this.#at) !== COMMA) {
        this.#expect(CLOSE);
        break;
      }
      this.#at++;
    }
    return seen === 2;
  }

  /** Passes over a member's name and colon; returns where the name begins. */
  #name(): number {
    this.#expect(QUOTE);
    const start = this.#at;
    const text = this.#text;
    for (let at = start; ; at++) {
      const char = text.charCodeAt(at);
      if (char === QUOTE) {
        this.#at = at + 1;
        this.#expect(COLON);
        return start;
      }
      if (char === BACKSLASH || !(char >= 32)) throw UNUSUAL;
    }
  }

  /** A value that is wanted, or something in it. */
  #take(plan: SkimPlan): void {
    const char = this.#text.charCodeAt(this.#at);
    if (char === OPEN) {
      if (plan.field !== null || plan.elements !== null) throw UNUSUAL;
      this.#object(plan);
    } else if (char === OPEN_LIST) {
      if (plan.elements === null || plan.field !== null || plan.wanted > 0) throw UNUSUAL;
      this.#list(plan.elements);
    } else {
      if (plan.elements !== null) throw UNUSUAL;
      this.#scalar(plan);
    }
  }

  #object(plan: SkimPlan): void {
    let left = plan.wanted;
    this.#at++;
    if (this.#text.charCodeAt(this.#at) === CLOSE) {
      this.#at++;
      return;
    }
    while (left > 0) {
      const start = this.#name();
      const member = memberAt(plan, this.#text, start, this.#at - 2);
      if (member === null) this.#skip();
      else {
        this.#take(member);
        if (--left === 0 || this.#candidates.count > 0) {
          this.#open++;
          return;
        }
        this.#close();
      }
      if (this.#text.charCodeAt(this.#at) !== COMMA) {
        this.#expect(CLOSE);
        return;
      }
      this.#at++;
    }
  }

  #close(): void {
    if (this.#open > 0) this.#skipNested(this.#open);
    this.#open = 0;
  }

  #list(plan: SkimPlan): void {
    this.#at++;
    if (this.#text.charCodeAt(this.#at) === CLOSE_LIST) {
      this.#at++;
      return;
    }
    for (;;) {
      if (this.#text.charCodeAt(this.#at) === OPEN_LIST) throw UNUSUAL;
      this.#take(plan);
      this.#close();
      if (this.#text.charCodeAt(this.#at) !== COMMA) break;
      this.#at++;
    }
    this.#expect(CLOSE_LIST);
  }

  #scalar({ field }: SkimPlan): void {
    const start = this.#at;
    if (this.#text.charCodeAt(start) === QUOTE) {
      const escapes = this.#skipText();
      if (field === null) return;
      if (!escapes && !field.needsValue) field.text(this.#text, start + 1, this.#at - 1, this.#candidates);
      else field.value(this.#parsed(start), this.#candidates);
      return;
    }
    this.#skip();
    field?.value(this.#parsed(start), this.#candidates);
  }

  /** What was passed over, parsed. Its characters past ASCII are not those of the event, but still none of ASCII. */
  #parsed(start: number): unknown {
    try {
      const value: unknown = JSON.parse(this.#text.slice(start, this.#at));
      return typeof value === "object" && value !== null ? UNCLEAR : value;
    } catch {
      throw UNUSUAL;
    }
  }

  #skip(): void {
    const char = this.#text.charCodeAt(this.#at);
    if (char === QUOTE) this.#skipText();
    else if (char === OPEN || char === OPEN_LIST) {
      this.#at++;
      this.#skipNested(1);
    } else this.#skipWord();
  }

  /** Numbers, true, false, null. */
  #skipWord(): void {
    const text = this.#text;
    for (let at = this.#at; ; at++) {
      const char = text.charCodeAt(at);
      if (char === COMMA || char === CLOSE || char === CLOSE_LIST) {
        this.#at = at;
        return;
      }
      if (!(char > 32) || char === QUOTE) throw UNUSUAL;
    }
  }

  /** Passes over a text; returns whether there are escapes in it. */
  #skipText(): boolean {
    const text = this.#text;
    let escapes = false;
    for (let at = this.#at + 1; ; at++) {
      const char = text.charCodeAt(at);
      if (char === QUOTE) {
        this.#at = at + 1;
        return escapes;
      }
      if (char === BACKSLASH) {
        escapes = true;
        at++;
      } else if (!(char >= 32)) throw UNUSUAL; // also the end
    }
  }

  /** Passes over the rest of as many objects and lists as are open. */
  #skipNested(open: number): void {
    const text = this.#text;
    let depth = open;
    for (let at = this.#at; ; at++) {
      const char = text.charCodeAt(at);
      if (char === QUOTE) {
        this.#at = at;
        this.#skipText();
        at = this.#at - 1;
      } else if (char === OPEN || char === OPEN_LIST) depth++;
      else if (char === CLOSE || char === CLOSE_LIST) {
        if (--depth === 0) {
          this.#at = at + 1;
          return;
        }
      } else if (!(char > 32)) throw UNUSUAL;
    }
  }

  /** Passes over a text; whether it is this one, as it stands. */
  #isText(wanted: string): boolean {
    const start = this.#at + 1;
    if (this.#text.charCodeAt(this.#at) !== QUOTE) return false;
    this.#skipText();
    return this.#at - 1 - start === wanted.length && this.#isAt(wanted, start);
  }

  #isAt(wanted: string, start: number): boolean {
    for (let n = 0; n < wanted.length; n++) if (this.#text.charCodeAt(start + n) !== wanted.charCodeAt(n)) return false;
    return true;
  }

  #expect(char: number): void {
    if (this.#text.charCodeAt(this.#at++) !== char) throw UNUSUAL;
  }
}
