// what JSON.stringify would escape: quote, backslash, controls, and surrogates, which may stand alone
// oxlint-disable-next-line no-control-regex -- control characters are what this looks for
const SPECIAL = /["\\\u0000-\u001f\ud800-\udfff]/;

/** A string as JSON; most have nothing to escape, and looking is a third of the price of JSON.stringify. */
export function quote(text: string): string {
  return SPECIAL.test(text) ? JSON.stringify(text) : `"${text}"`;
}

export function quoteOrNull(text: string | null): string {
  return text === null ? "null" : quote(text);
}
