import type { Predicate } from "../../bus/types/selector.ts";
import { GUARDED_BINARIES } from "./guarded.ts";

const LAST_UID = 4_294_967_294;
const NOBODY = 65_534;
const FIRST_PERSON = 1_000;

const GUARDED: ReadonlySet<string> = new Set(GUARDED_BINARIES);

/**
 * The guarded program that these predicates could match, undefined when there is none. Only what is certain narrows:
 * `process.binary` by its values, and `process.uid` when it leaves out root and every uid that a person can have.
 * What the other fields hold is up to whoever runs the program, so they narrow nothing.
 */
export function guardedMatch(match: readonly Predicate[]): string | undefined {
  const uids = match.filter((predicate) => predicate.field === "process.uid");
  if (uids.length > 0 && !matchesSomebody(uids)) return undefined;
  const binaries = match.filter((predicate) => predicate.field === "process.binary");
  const tests = binaries.map(compilePath);
  const named = binaries.find((predicate) => predicate.op === "in")?.values.map(String);
  // With names at hand only they can match: a thousand selectors are checked in no time.
  const candidates = named?.filter((path) => GUARDED.has(path)) ?? GUARDED_BINARIES;
  return candidates.find((path) => tests.every((matches) => matches(path)));
}

/** A test of one path. An operator that is not known here may match anything. */
function compilePath(predicate: Predicate): (path: string) => boolean {
  const values = predicate.values.map(String);
  const exact = new Set(values);
  switch (predicate.op) {
    case "in":
      return (path) => exact.has(path);
    case "notIn":
      return (path) => !exact.has(path);
    case "prefix":
      return (path) => values.some((value) => path.startsWith(value));
    case "notPrefix":
      return (path) => !values.some((value) => path.startsWith(value));
    case "suffix":
      return (path) => values.some((value) => path.endsWith(value));
    case "notSuffix":
      return (path) => !values.some((value) => path.endsWith(value));
    default:
      return () => true;
  }
}

/** Whether root or a person's uid satisfies all of these; system accounts (1 to 999, nobody) are no way into a host. */
function matchesSomebody(predicates: readonly Predicate[]): boolean {
  // Each predicate changes its answer only at its own values, so their neighbours stand for all uids.
  const candidates = new Set([0, FIRST_PERSON, NOBODY - 1, NOBODY + 1, LAST_UID]);
  for (const value of predicates.flatMap((predicate) => predicate.values.flat())) {
    for (const uid of [Number(value) - 1, Number(value), Number(value) + 1]) candidates.add(uid);
  }
  const isSomebody = (uid: number): boolean => uid === 0 || (uid >= FIRST_PERSON && uid <= LAST_UID && uid !== NOBODY);
  return [...candidates].some((uid) => isSomebody(uid) && predicates.every((predicate) => matchesUid(predicate, uid)));
}

function matchesUid(predicate: Predicate, uid: number): boolean {
  const within = (value: Predicate["values"][number]): boolean =>
    Array.isArray(value) && value[0] <= uid && uid <= value[1];
  switch (predicate.op) {
    case "in":
      return predicate.values.includes(uid);
    case "notIn":
      return !predicate.values.includes(uid);
    case "range":
      return predicate.values.some(within);
    case "notRange":
      return !predicate.values.some(within);
    default:
      return true;
  }
}
