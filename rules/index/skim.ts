import { UNCLEAR } from "../../bus/formula/verify.ts";
import type { Candidates } from "./candidates.ts";
import {
  CLOSE,
  CLOSE_LIST,
  COMMA,
  endOfName,
  endOfText,
  OPEN,
  OPEN_LIST,
  QUOTE,
  skipNested,
  skipText,
  skipValue,
  standsAt,
  UNUSUAL,
} from "./json-text.ts";
import type { KindIndex } from "./kind-index.ts";
import { memberAt, planOf } from "./skim-plan.ts";
import type { SkimPlan } from "./skim-plan.ts";

/**
 * Looks at an event's JSON before it is parsed, which costs more than all the rest: only at the fields that the index of its
 * kind needs, and no further than to the last of them. What it does not expect (white space, names with escapes, a list where
 * none should be) it leaves to the parser. Of two members of the same name it sees the first.
 */
export class Skim {
  readonly #plan: SkimPlan;
  readonly #candidates: Candidates;
  readonly #blind: boolean;
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
    this.#candidates.begin();
    this.#open = 0;
    try {
      return !this.#isEvent(text, start, kind, node) || this.#candidates.count > 0;
    } catch (thrown) {
      if (thrown !== UNUSUAL) throw thrown;
      return true;
    }
  }

  /** Whether it is an event of this kind and node; what is wanted of it is handed to the index. */
  #isEvent(text: string, start: number, kind: string, node: string): boolean {
    let left = this.#plan.wanted + 2;
    let seen = 0;
    let at = start;
    if (text.charCodeAt(at) !== OPEN) return false;
    do {
      const name = at + 2;
      const end = endOfName(text, at + 1);
      const named = end - name === 4;
      at = end + 2;
      const own = named && standsAt(text, name, "kind") ? kind : named && standsAt(text, name, "node") ? node : null;
      const member = own === null ? memberAt(this.#plan, text, name, end) : null;
      if (own !== null) {
        if (!isText(text, at, own)) return false;
        at += own.length + 2;
        seen++;
        left--;
      } else if (member === null) at = skipValue(text, at);
      else {
        at = this.#take(member, text, at);
        left--;
        if (left === 0 || this.#candidates.count > 0) break;
        at = this.#close(text, at);
      }
    } while (left > 0 && text.charCodeAt(at) === COMMA);
    return seen === 2;
  }

  /** A value that is wanted, or something in it. */
  #take(plan: SkimPlan, text: string, at: number): number {
    const char = text.charCodeAt(at);
    if (char === OPEN) {
      if (plan.field !== null || plan.elements !== null) throw UNUSUAL;
      return this.#object(plan, text, at);
    }
    if (char === OPEN_LIST) {
      if (plan.elements === null || plan.field !== null || plan.wanted > 0) throw UNUSUAL;
      return this.#list(plan.elements, text, at);
    }
    if (plan.elements !== null) throw UNUSUAL;
    return this.#scalar(plan, text, at);
  }

  #object(plan: SkimPlan, text: string, start: number): number {
    let left = plan.wanted;
    let at = start;
    if (text.charCodeAt(at + 1) === CLOSE) return at + 2;
    do {
      const end = endOfName(text, at + 1);
      const member = memberAt(plan, text, at + 2, end);
      if (member === null) {
        at = skipValue(text, end + 2);
        continue;
      }
      at = this.#take(member, text, end + 2);
      if (--left === 0 || this.#candidates.count > 0) {
        this.#open++;
        return at;
      }
      at = this.#close(text, at);
    } while (text.charCodeAt(at) === COMMA);
    if (text.charCodeAt(at) !== CLOSE) throw UNUSUAL;
    return at + 1;
  }

  #list(plan: SkimPlan, text: string, start: number): number {
    let at = start;
    if (text.charCodeAt(at + 1) === CLOSE_LIST) return at + 2;
    do {
      if (text.charCodeAt(at + 1) === OPEN_LIST) throw UNUSUAL;
      at = this.#close(text, this.#take(plan, text, at + 1));
    } while (text.charCodeAt(at) === COMMA);
    if (text.charCodeAt(at) !== CLOSE_LIST) throw UNUSUAL;
    return at + 1;
  }

  /** Goes on after objects that were left open. */
  #close(text: string, at: number): number {
    if (this.#open === 0) return at;
    const open = this.#open;
    this.#open = 0;
    return skipNested(text, at, open);
  }

  #scalar({ field }: SkimPlan, text: string, at: number): number {
    if (field === null) return skipValue(text, at);
    if (text.charCodeAt(at) === QUOTE && !field.needsValue) {
      const end = endOfText(text, at);
      if (end > 0) {
        field.text(text, at + 1, end - 1, this.#candidates);
        return end;
      }
      field.value(parsed(text.slice(at, -end)), this.#candidates);
      return -end;
    }
    const end = text.charCodeAt(at) === QUOTE ? skipText(text, at) : skipValue(text, at);
    field.value(parsed(text.slice(at, end)), this.#candidates);
    return end;
  }
}

/** A value on its own. Its characters past ASCII are not those of the event, but still none of ASCII. */
function parsed(json: string): unknown {
  if (json === "null") return null;
  if (json === "false" || json === "true") return json === "true";
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === "object" ? UNCLEAR : value;
  } catch {
    throw UNUSUAL;
  }
}

/** Whether the value at a place is a text, as it stands. */
function isText(text: string, at: number, wanted: string): boolean {
  return (
    text.charCodeAt(at) === QUOTE && standsAt(text, at + 1, wanted) && skipText(text, at) === at + wanted.length + 2
  );
}
