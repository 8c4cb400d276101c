const ASCII = /^\p{ASCII}*$/u;

export type LiteralOp = "in" | "prefix" | "suffix" | "contains";

/**
 * What the index looks for in place of a text: without the case of letters, and only ASCII, so a part of it where there is
 * more in it. Null where nothing of it can be looked for.
 */
export function literalOf(op: LiteralOp, value: string): { op: LiteralOp; text: string } | null {
  if (ASCII.test(value)) return { op, text: value.toLowerCase() };
  if (op === "in" || op === "prefix") return shortened("prefix", /^\p{ASCII}+/u.exec(value)?.[0]);
  if (op === "suffix") return shortened("suffix", /\p{ASCII}+$/u.exec(value)?.[0]);
  const parts = value.match(/\p{ASCII}+/gu) ?? [];
  return shortened("contains", parts.sort((a, b) => b.length - a.length)[0]);
}

function shortened(op: LiteralOp, text: string | undefined): { op: LiteralOp; text: string } | null {
  return text === undefined ? null : { op, text: text.toLowerCase() };
}
