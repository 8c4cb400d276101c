import { stripVTControlCharacters } from "node:util";

/** Rows as columns of equal width, two spaces apart; the last column is not padded. Cells may hold colour. */
export function table(rows: readonly (readonly string[])[], indent = ""): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, width(cell));
  }
  return rows
    .map((row) => {
      const cells = row.map((cell, i) => (i === row.length - 1 ? cell : cell + " ".repeat(widths[i]! - width(cell))));
      return `${indent}${cells.join("  ")}`.trimEnd();
    })
    .join("\n");
}

function width(cell: string): number {
  return stripVTControlCharacters(cell).length;
}
