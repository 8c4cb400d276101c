/** ASCII without the case of letters, in as few numbers as a set of texts needs: 0 is what stands in none of them. */
export interface Alphabet {
  codes: Uint8Array;
  size: number;
}

export function alphabetOf(texts: readonly string[]): Alphabet {
  const codes = new Uint8Array(128);
  let size = 1;
  for (const text of texts) {
    for (let n = 0; n < text.length; n++) {
      const char = text.charCodeAt(n);
      if (codes[char] === 0) codes[char] = size++;
    }
  }
  for (let upper = 65; upper <= 90; upper++) codes[upper] = codes[upper + 32]!;
  return { codes, size };
}

/** A text of lower-case ASCII, and the units that are to be looked at where it is found. */
export interface Entry {
  text: string;
  units: number[];
}

/** Nodes of a tree of texts; each step is a code of the alphabet. */
export function treeOf(entries: readonly Entry[], { codes }: Alphabet, backward: boolean) {
  const nodes: Map<number, number>[] = [new Map()];
  const units: (Set<number> | null)[] = [null];
  for (const { text, units: of } of entries) {
    let node = 0;
    for (let n = 0; n < text.length; n++) {
      const code = codes[text.charCodeAt(backward ? text.length - 1 - n : n)]!;
      let next = nodes[node]!.get(code);
      if (next === undefined) {
        next = nodes.push(new Map()) - 1;
        units.push(null);
        nodes[node]!.set(code, next);
      }
      node = next;
    }
    const set = (units[node] ??= new Set());
    for (const unit of of) set.add(unit);
  }
  return { nodes, units };
}
