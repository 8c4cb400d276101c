import { and, or } from "../../bus/formula/formula.ts";
import type { Formula } from "../../bus/formula/formula.ts";
import { NotUnderstood, parseRegex } from "./regex-tree.ts";
import type { RegexNode } from "./regex-tree.ts";

/** How a text of a regular expression stands in what it matches. */
export type Place = "in" | "prefix" | "suffix" | "contains";

/** A piece of what matches: one of some texts, anything (with what must be in there), the beginning or the end. */
type Piece = { texts: string[] } | { gap: true; demands?: Piece[][] } | { edge: "begin" | "end" };

const TEXTS_MAX = 24;

/**
 * What must be in a text for a regular expression to match it. `make` makes the test for one text of it. `reason` says why
 * nothing is known, where the expression is not understood.
 */
export function regexFormula(
  source: string,
  flags: string,
  make: (place: Place, text: string, fold: boolean) => Formula,
): { formula: Formula; reason: string | null } {
  try {
    const { root, fold } = parseRegex(source, flags);
    return { formula: demandOf(piecesOf(root), (place, text) => make(place, text, fold)), reason: null };
  } catch (thrown) {
    if (!(thrown instanceof NotUnderstood)) throw thrown;
    return { formula: true, reason: `the regular expression has ${thrown.message}` };
  }
}

function piecesOf(node: RegexNode): Piece[] {
  switch (node.type) {
    case "text":
      return [{ texts: [node.text] }];
    case "nothing":
      return [];
    case "gap":
      return [{ gap: true }];
    case "begin":
    case "end":
      return [{ edge: node.type }];
    case "sequence":
      return joined(node.parts.flatMap(piecesOf));
    case "alternatives": {
      const branches = node.branches.map(piecesOf);
      const texts = new Set<string>();
      for (const pieces of branches) {
        const only = pieces.length === 0 ? [""] : pieces.length === 1 && "texts" in pieces[0]! ? pieces[0].texts : null;
        if (only === null) return [{ gap: true, demands: branches }];
        for (const text of only) texts.add(text);
      }
      return texts.size <= TEXTS_MAX ? [{ texts: [...texts] }] : [{ gap: true, demands: branches }];
    }
    default:
      return repeated(piecesOf(node.part), node.least, node.most);
  }
}

function repeated(pieces: Piece[], least: number, most: number): Piece[] {
  if (least === 1 && most === 1) return pieces;
  const only = pieces.length === 1 && "texts" in pieces[0]! ? pieces[0].texts : null;
  if (least === 0) {
    return most === 1 && only !== null && only.length < TEXTS_MAX
      ? [{ texts: [...new Set(["", ...only])] }]
      : [{ gap: true }];
  }
  if (only !== null && least === most && only.length ** least <= TEXTS_MAX) {
    return joined(Array.from({ length: least }, () => ({ texts: only })));
  }
  return [{ gap: true, demands: [pieces.filter((piece) => !("edge" in piece))] }];
}

/** Texts that follow each other are one. */
function joined(pieces: Piece[]): Piece[] {
  const out: Piece[] = [];
  for (const piece of pieces) {
    const last = out.at(-1);
    if (
      "texts" in piece &&
      last !== undefined &&
      "texts" in last &&
      last.texts.length * piece.texts.length <= TEXTS_MAX
    ) {
      const texts = last.texts.flatMap((before) => piece.texts.map((after) => before + after));
      out[out.length - 1] = { texts: [...new Set(texts)] };
    } else out.push(piece);
  }
  return out;
}

function demandOf(pieces: Piece[], make: (place: Place, text: string) => Formula): Formula {
  const parts: Formula[] = [];
  for (const [n, piece] of pieces.entries()) {
    if ("gap" in piece && piece.demands) parts.push(or(...piece.demands.map((inner) => demandOf(inner, make))));
    if (!("texts" in piece)) continue;
    const [before, after] = [pieces[n - 1], pieces[n + 1]];
    const first = before !== undefined && "edge" in before && before.edge === "begin";
    const last = after !== undefined && "edge" in after && after.edge === "end";
    const place = first && last ? "in" : first ? "prefix" : last ? "suffix" : "contains";
    if (place !== "in" && piece.texts.includes("")) continue; // demands nothing by itself
    parts.push(or(...piece.texts.map((text) => make(place, text))));
  }
  return and(...parts);
}
