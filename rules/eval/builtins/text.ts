import type { Builtins } from "./builtin.ts";
import { sprintf } from "./sprintf.ts";

export const TEXT: Builtins = {
  sprintf,
  "strings.any_prefix_match": (search, base) => anyPair(search, base, (text, prefix) => text.startsWith(prefix)),
  "strings.any_suffix_match": (search, base) => anyPair(search, base, (text, suffix) => text.endsWith(suffix)),

  "strings.count": (text, part) => {
    if (typeof text !== "string" || typeof part !== "string") return undefined;
    return part === "" ? Array.from(text).length + 1 : text.split(part).length - 1;
  },

  indexof_n: (text, part) => {
    if (typeof text !== "string" || typeof part !== "string" || part === "") return undefined;
    const found: number[] = [];
    for (let at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + 1))
      found.push(Array.from(text.slice(0, at)).length);
    return found;
  },

  "regex.replace": (text, pattern, value) => {
    const regex = goRegex(pattern, "g");
    if (typeof text !== "string" || typeof value !== "string" || regex === null) return undefined;
    return text.replace(regex, goReplacement(value));
  },

  "regex.split": (pattern, text) => {
    const regex = goRegex(pattern);
    return typeof text !== "string" || regex === null ? undefined : text.split(regex);
  },

  "regex.find_n": (pattern, text, count) => {
    const regex = goRegex(pattern, "g");
    if (typeof text !== "string" || typeof count !== "number" || regex === null) return undefined;
    const found = [...text.matchAll(regex)].map((match) => match[0]);
    return count < 0 ? found : found.slice(0, count);
  },

  "glob.quote_meta": (text) => (typeof text === "string" ? text.replace(/[*?\\[\]{}!-]/g, "\\$&") : undefined),
};

function anyPair(
  search: unknown,
  base: unknown,
  matches: (text: string, part: string) => boolean,
): boolean | undefined {
  const texts = strings(search);
  const parts = strings(base);
  if (texts === null || parts === null) return undefined;
  return texts.some((text) => parts.some((part) => matches(text, part)));
}

function strings(value: unknown): string[] | null {
  const list = typeof value === "string" ? [value] : value;
  return Array.isArray(list) && list.every((item) => typeof item === "string") ? list : null;
}

const compiled = new Map<string, RegExp | null>();

/** A regular expression of Go as one of JavaScript: flags in front, `(?P<name>`, \A and \z. Null where it is none. */
function goRegex(pattern: unknown, flags = ""): RegExp | null {
  if (typeof pattern !== "string") return null;
  const key = `${flags}/${pattern}`;
  const known = compiled.get(key);
  if (known !== undefined) return known;
  const front = /^\(\?([ims]+)\)/.exec(pattern);
  const source = pattern
    .slice(front?.[0].length ?? 0)
    .replaceAll("(?P<", "(?<")
    .replaceAll("\\A", "^")
    .replaceAll("\\z", "$");
  let regex: RegExp | null;
  try {
    regex = new RegExp(source, [...new Set(`u${flags}${front?.[1] ?? ""}`)].join(""));
  } catch {
    regex = null;
  }
  if (compiled.size > 1000) compiled.clear();
  compiled.set(key, regex);
  return regex;
}

/** `$1`, `${1}`, `${name}` of Go in the words of JavaScript. */
function goReplacement(value: string): string {
  return value.replace(/\$(\$|\{(\w+)\}|(\w+))/g, (_, all: string, braced?: string, bare?: string) => {
    const name = braced ?? bare;
    if (all === "$" || name === undefined) return "$$";
    if (name === "0") return "$&";
    return /^\d+$/.test(name) ? `$${name}` : `$<${name}>`;
  });
}
