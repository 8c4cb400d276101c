/** Thrown, as a value that costs nothing, where a text is not written as JSON.stringify writes it. */
export const UNUSUAL = Symbol("unusual");

export const [QUOTE, BACKSLASH, COMMA, COLON] = [34, 92, 44, 58] as const;
export const [OPEN, CLOSE, OPEN_LIST, CLOSE_LIST] = [123, 125, 91, 93] as const;

/** Passes over a text that begins at `at` with its quote; returns where it ends, after its quote. */
export function skipText(text: string, at: number): number {
  const length = text.length;
  for (let n = at + 1; n < length; n++) {
    const char = text.charCodeAt(n);
    if (char === QUOTE) return n + 1;
    if (char === BACKSLASH) n++;
    else if (char < 32) throw UNUSUAL;
  }
  throw UNUSUAL;
}

/** The same for a text that is wanted: negative where there are escapes in it. */
export function endOfText(text: string, at: number): number {
  const length = text.length;
  for (let n = at + 1; n < length; n++) {
    const char = text.charCodeAt(n);
    if (char === QUOTE) return n + 1;
    if (char === BACKSLASH) return -skipText(text, at);
    if (char < 32) throw UNUSUAL;
  }
  throw UNUSUAL;
}

/** Passes over the rest of as many objects and lists as are open. */
export function skipNested(text: string, at: number, open: number): number {
  const length = text.length;
  let depth = open;
  for (let n = at; n < length; n++) {
    const char = text.charCodeAt(n);
    if (char === QUOTE) {
      // Most of all characters are in texts. A line that is cut in one may be read past its end: it is no event either way.
      const start = n;
      n = text.indexOf('"', n + 1);
      if (n < 0) throw UNUSUAL;
      if (text.charCodeAt(n - 1) === BACKSLASH) n = skipText(text, start) - 1;
    } else if (char === CLOSE || char === CLOSE_LIST) {
      if (--depth === 0) return n + 1;
    } else if (char === OPEN || char === OPEN_LIST) depth++;
    else if (char <= 32) throw UNUSUAL;
  }
  throw UNUSUAL;
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
