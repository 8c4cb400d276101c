const PLAIN = /^[A-Za-z0-9_-]+$/;
const ENCODED = /^(?:[A-Za-z0-9_-]|=[0-9A-F]{2})+$/;
const EMPTY = "=";

/**
 * A name as one token of a subject or key: `[A-Za-z0-9_-]` as it is, every other byte of its UTF-8 form as `=XX`.
 * The empty name is `=`. Different names give different tokens.
 */
export function encodeToken(name: string): string {
  if (PLAIN.test(name)) return name;
  if (name === "") return EMPTY;
  let token = "";
  for (const byte of Buffer.from(name, "utf8")) {
    const char = String.fromCharCode(byte);
    token += PLAIN.test(char) ? char : `=${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return token;
}

/** The name of a token, or null when it is none that `encodeToken` makes. */
export function decodeToken(token: string): string | null {
  if (PLAIN.test(token)) return token;
  if (token === EMPTY) return "";
  if (!ENCODED.test(token)) return null;
  const bytes = Buffer.from(
    token.replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16))),
    "latin1",
  );
  const name = bytes.toString("utf8");
  return encodeToken(name) === token ? name : null;
}
