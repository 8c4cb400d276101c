import { ELEMENT } from "../../bus/formula/verify.ts";
import type { FieldIndex } from "./field-index.ts";

/** What is wanted of an object: its members by name, the elements of a list, or the value itself. */
export interface SkimPlan {
  field: FieldIndex | null;
  elements: SkimPlan | null;
  /** By the first character of their names. */
  members: { name: string; plan: SkimPlan }[][];
  /** How many members are wanted. */
  wanted: number;
}

/** The plan for the fields of an index. */
export function planOf(fields: readonly FieldIndex[]): SkimPlan {
  const root = emptyPlan();
  for (const field of fields) {
    let at = root;
    for (const name of field.path) {
      if (name === ELEMENT) at = at.elements ??= emptyPlan();
      else at = memberOf(at, name);
    }
    at.field = field;
  }
  return root;
}

function memberOf(plan: SkimPlan, name: string): SkimPlan {
  const same = (plan.members[name.charCodeAt(0)] ??= []);
  const known = same.find((member) => member.name === name);
  if (known !== undefined) return known.plan;
  const made = emptyPlan();
  same.push({ name, plan: made });
  plan.wanted++;
  return made;
}

function emptyPlan(): SkimPlan {
  return { field: null, elements: null, members: [], wanted: 0 };
}

/** The plan for a member of an object whose name stands in a text; null where it is not wanted. */
export function memberAt(plan: SkimPlan, text: string, start: number, end: number): SkimPlan | null {
  const same = plan.members[text.charCodeAt(start)];
  if (same === undefined) return null;
  next: for (const { name, plan: member } of same) {
    if (name.length !== end - start) continue;
    for (let n = 1; n < name.length; n++) if (name.charCodeAt(n) !== text.charCodeAt(start + n)) continue next;
    return member;
  }
  return null;
}
