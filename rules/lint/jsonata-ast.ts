/** The tree of `jsonata(expr).ast()`, as far as the lint reads it. */
export interface Ast {
  type: string;
  value?: unknown;
  position?: number;
  steps?: Ast[];
  arguments?: Ast[];
  procedure?: Ast;
  expressions?: Ast[];
  expression?: Ast;
  lhs?: Ast | [Ast, Ast][];
  rhs?: Ast;
  condition?: Ast;
  then?: Ast;
  else?: Ast;
  body?: Ast;
  stages?: { type: string; expr?: Ast }[];
  predicate?: { type: string; expr?: Ast }[];
  group?: { lhs: [Ast, Ast][] };
  keepArray?: boolean;
}

/** Name of the function that a node calls with `$name(...)`, or null. */
export function calledName(node: Ast): string | null {
  if (node.type !== "function" && node.type !== "partial") return null;
  return node.procedure?.type === "variable" ? String(node.procedure.value) : null;
}

/** The nodes right below one that are evaluated in the same context as it. */
export function childrenOf(node: Ast): Ast[] {
  const children: (Ast | undefined)[] = [
    ...(node.arguments ?? []),
    ...(node.expressions ?? []),
    ...(Array.isArray(node.lhs) ? node.lhs.flat() : [node.lhs]),
    ...[node.rhs, node.expression, node.condition, node.then, node.else, node.body],
    node.procedure?.type === "variable" ? undefined : node.procedure,
  ];
  return children.filter((child) => child !== undefined);
}
