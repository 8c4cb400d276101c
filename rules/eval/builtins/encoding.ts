import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { Builtins } from "./builtin.ts";

const hash = (algorithm: string) => (text: unknown) =>
  typeof text === "string" ? createHash(algorithm).update(text).digest("hex") : undefined;

const hmac = (algorithm: string) => (text: unknown, key: unknown) =>
  typeof text === "string" && typeof key === "string"
    ? createHmac(algorithm, key).update(text).digest("hex")
    : undefined;

const text = (change: (value: string) => unknown) => (value: unknown) => {
  try {
    return typeof value === "string" ? change(value) : undefined;
  } catch {
    return undefined;
  }
};

/** Texts in other alphabets, and digests of them. */
export const ENCODING: Builtins = {
  "base64url.encode_no_pad": text((value) => Buffer.from(value).toString("base64url")),
  "hex.encode": text((value) => Buffer.from(value).toString("hex")),
  "hex.decode": text((value) => (/^([0-9a-f]{2})*$/i.test(value) ? Buffer.from(value, "hex").toString() : undefined)),
  "urlquery.encode": text((value) =>
    encodeURIComponent(value)
      .replace(/%20/g, "+")
      .replace(/[!'()*]/g, percent),
  ),
  "urlquery.decode": text((value) => decodeURIComponent(value.replaceAll("+", " "))),
  "crypto.md5": hash("md5"),
  "crypto.sha1": hash("sha1"),
  "crypto.sha256": hash("sha256"),
  "crypto.hmac.md5": hmac("md5"),
  "crypto.hmac.sha1": hmac("sha1"),
  "crypto.hmac.sha256": hmac("sha256"),
  "crypto.hmac.sha512": hmac("sha512"),
  "crypto.hmac.equal": (a, b) => {
    if (typeof a !== "string" || typeof b !== "string") return undefined;
    return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
  },
};

function percent(char: string): string {
  return `%${char.charCodeAt(0).toString(16).toUpperCase()}`;
}
