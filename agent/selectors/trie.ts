import type { Bitmap, ClassPool } from "./class-pool.ts";
import type { ConditionIndex } from "./condition-index.ts";
import type { Condition } from "./normalize.ts";

/** A value of the tables, with the conditions that list it itself. */
interface Node<C extends Condition, V> {
  value: V;
  parent: Node<C, V> | undefined;
  conditions: Set<C>;
  selectors: Set<number>;
  bitmap: Bitmap;
}

export interface Leaf<V> {
  value: V;
  class: number;
}

/** How values are told apart and which contain which. */
export interface Containment<V> {
  key(value: V): string;
  /** Larger is more specific; only values of smaller size can contain a value. */
  size(value: V): number;
  /** The key of the value of size `size` that contains `value`. */
  containerKey(value: V, size: number): string;
}

/**
 * Classes of values of which the most specific one is found: each inherits what the longest of those that contain it
 * has. Without `containment.size` differing (exact values) nothing is inherited.
 */
export function classifyTrie<C extends Condition, V>(
  index: ConditionIndex<C>,
  valuesOf: (condition: C) => Iterable<V>,
  containment: Containment<V>,
  pool: ClassPool,
  base: Bitmap,
): Leaf<V>[] {
  const nodes = new Map<string, Node<C, V>>();
  for (const { selector, condition } of index.listed)
    for (const value of valuesOf(condition)) {
      const key = containment.key(value);
      let node = nodes.get(key);
      if (node === undefined) {
        node = { value, parent: undefined, conditions: new Set(), selectors: new Set(), bitmap: base };
        nodes.set(key, node);
      }
      node.conditions.add(condition);
      node.selectors.add(selector);
    }
  const ordered = [...nodes.values()].sort((a, b) => containment.size(a.value) - containment.size(b.value));
  const sizes = [...new Set(ordered.map((node) => containment.size(node.value)))].sort((a, b) => b - a);
  return ordered.map((node) => {
    node.parent = parentOf(node, nodes, sizes, containment);
    const bitmap = (node.parent?.bitmap ?? base).slice();
    index.update(bitmap, node.selectors, (condition) => lists(node, condition));
    const number = pool.classOf(bitmap);
    node.bitmap = pool.bitmaps[number]!;
    return { value: node.value, class: number };
  });
}

function parentOf<C extends Condition, V>(
  node: Node<C, V>,
  nodes: Map<string, Node<C, V>>,
  sizes: readonly number[],
  containment: Containment<V>,
): Node<C, V> | undefined {
  const own = containment.size(node.value);
  for (const size of sizes) {
    if (size >= own) continue;
    const parent = nodes.get(containment.containerKey(node.value, size));
    if (parent !== undefined) return parent;
  }
  return undefined;
}

function lists<C extends Condition, V>(node: Node<C, V> | undefined, condition: C): boolean {
  for (let at = node; at !== undefined; at = at.parent) if (at.conditions.has(condition)) return true;
  return false;
}
