import { isAtom } from "../../bus/formula/formula.ts";
import type { Atom, Formula } from "../../bus/formula/formula.ts";
import { compileAtom, passesOf } from "../../bus/formula/verify.ts";
import { factAt, type Subject } from "./facts.ts";

export type Test = (subject: Subject) => boolean;

/** Whether an event may meet a formula, before it is written; true or false where all of them or none do. */
export function compileTest(formula: Formula, kind: string, node: string): Test | boolean {
  if (typeof formula === "boolean") return formula;
  if (isAtom(formula)) return testOf(formula, kind, node);
  const decides = "or" in formula;
  const tests: Test[] = [];
  for (const part of "and" in formula ? formula.and : formula.or) {
    const test = compileTest(part, kind, node);
    if (test === decides) return decides;
    if (typeof test === "function") tests.push(test);
  }
  if (tests.length < 2) return tests[0] ?? !decides;
  return (subject) => {
    for (const test of tests) if (test(subject) === decides) return decides;
    return !decides;
  };
}

/** What is not known yet may be anything. */
function testOf(atom: Atom, kind: string, node: string): Test | boolean {
  if (atom.path.length === 1 && atom.path[0] === "node") return compileAtom(atom)({ node });
  const fact = factAt(kind, atom.path);
  if (fact === undefined) return true;
  const passes = passesOf(atom);
  return "one" in fact ? (subject) => passes(fact.one(subject)) : (subject) => fact.all(subject).some(passes);
}
