/** Thrown, as a value that costs nothing, where a text is not written as JSON.stringify writes it. */
export const UNUSUAL = Symbol("unusual");

export const [QUOTE, BACKSLASH, COMMA, COLON] = [34, 92, 44, 58] as const;
export const [OPEN, CLOSE, OPEN_LIST, CLOSE_LIST] = [123, 125, 91, 93] as const;

/** What characters are to whoever passes over objects and lists: 1 quote, 2 opening, 3 closing, 4 none that JSON.stringify writes there. */
const ROLE = new Uint8Array(256);
ROLE.fill(4, 0, 33);
ROLE[QUOTE] = 1;
ROLE[OPEN] = ROLE[OPEN_LIST] = 2;
ROLE[CLOSE] = ROLE[CLOSE_LIST] = 3;

/** Passes over a text that begins at `at` with its quote; returns where it ends, after its quote. */
export function skipText(text: string, at: number): number {
  for (let n = at + 1; ; n++) {
    const char = text.charCodeAt(n);
    if (char === QUOTE) return n + 1;
    if (char === BACKSLASH) n++;
    else if (!(char >= 32)) throw UNUSUAL; // also the end
  }
}

/** Whether there are escapes in a text. */
export function hasEscapes(text: string, start: number, end: number): boolean {
  for (let n = start; n < end; n++) if (text.charCodeAt(n) === BACKSLASH) return true;
  return false;
}

/** Passes over the rest of as many objects and lists as are open. */
export function skipNested(text: string, at: number, open: number): number {
  let depth = open;
  for (let n = at; ; n++) {
    const char = text.charCodeAt(n);
    const role = ROLE[char];
    if (role === 0) continue;
    if (role === 1) n = skipText(text, n) - 1;
    else if (role === 2) depth++;
    else if (role === 3) {
      if (--depth === 0) return n + 1;
    } else throw UNUSUAL;
  }
}

/** Passes over a value of any kind. */
export function skipValue(text: string, at: number): number {
  const char = text.charCodeAt(at);
  if (char === QUOTE) return skipText(text, at);
  if (char === OPEN || char === OPEN_LIST) return skipNested(text, at + 1, 1);
  for (let n = at; ; n++) {
    const char = text.charCodeAt(n);
    if (char === COMMA || char === CLOSE || char === CLOSE_LIST) return n;
    if (!(char > 32) || char === QUOTE) throw UNUSUAL;
  }
}

/** Where the name that begins at `at` with its quote ends, before its quote; a colon follows. */
export function endOfName(text: string, at: number): number {
  if (text.charCodeAt(at) !== QUOTE) throw UNUSUAL;
  for (let n = at + 1; ; n++) {
    const char = text.charCodeAt(n);
    if (char === QUOTE) {
      if (text.charCodeAt(n + 1) !== COLON) throw UNUSUAL;
      return n;
    }
    if (char === BACKSLASH || !(char >= 32)) throw UNUSUAL;
  }
}

/** Whether a text stands at a place in another. */
export function standsAt(text: string, at: number, wanted: string): boolean {
  for (let n = 0; n < wanted.length; n++) if (text.charCodeAt(at + n) !== wanted.charCodeAt(n)) return false;
  return true;
}
