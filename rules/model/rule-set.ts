import { contentDigest } from "../../bus/ids.ts";
import type { Atom, Formula } from "../../bus/formula/formula.ts";
import { EngineError } from "../errors.ts";
import { canonicalJson } from "./canonical.ts";
import type { Lists } from "./lists.ts";
import type { Policy, Rule } from "./rule.ts";

const FORMAT = "reeve-rule-set/2";

/** What must hold of an event of a kind for a rule to find something, and the atoms by which it is found; without a cover it is evaluated for each. */
export interface IndexEntry {
  formula: Formula;
  cover: Atom[] | null;
}

/** By `rule:<id>` or `policy:<id>`, then by kind of event. */
export type RuleIndex = Record<string, Record<string, IndexEntry>>;

/** A built set of rules: all that an engine needs. `wasm` is null when there is no Rego in it. */
export interface RuleSet {
  digest: string;
  rules: Rule[];
  policies: Policy[];
  lists: Lists;
  /** Kinds (and `alert`) that have Rego, and the wasm entry point that evaluates all of it at once. */
  entries: Record<string, string>;
  index: RuleIndex;
  wasm: Uint8Array | null;
}

export interface EncodedRuleSet {
  bytes: Uint8Array;
  digest: string;
}

/** The bundle: canonical JSON, so that the same rules are the same bytes on any machine. The digest is theirs. */
export function encodeRuleSet(set: Omit<RuleSet, "digest">): EncodedRuleSet {
  const { wasm, ...rest } = set;
  const text = canonicalJson({
    format: FORMAT,
    ...rest,
    wasm: wasm === null ? null : Buffer.from(wasm.buffer, wasm.byteOffset, wasm.byteLength).toString("base64"),
  });
  const bytes = Buffer.from(`${text}\n`, "utf8");
  return { bytes, digest: contentDigest(bytes) };
}

/** @throws EngineError `bundle` when the bytes are no rule set of this version */
export function decodeRuleSet(bytes: Uint8Array): RuleSet {
  let parsed: Partial<RuleSet> & { format?: unknown; wasm?: unknown };
  try {
    parsed = JSON.parse(
      Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8"),
    ) as typeof parsed;
  } catch (cause) {
    throw new EngineError("bundle", "the rule set is not JSON: it was not made by `reeve rules build`", { cause });
  }
  if (parsed === null || typeof parsed !== "object" || parsed.format !== FORMAT) {
    const found = JSON.stringify((parsed as { format?: unknown } | null)?.format);
    throw new EngineError("bundle", `the rule set's format is ${found}, this engine reads ${JSON.stringify(FORMAT)}`);
  }
  const { rules, policies, lists, entries, index, wasm } = parsed;
  if (!Array.isArray(rules) || !Array.isArray(policies) || !isObject(lists) || !isObject(entries) || !isObject(index)) {
    throw new EngineError("bundle", "the rule set lacks one of rules, policies, lists, entries, index");
  }
  if (wasm !== null && typeof wasm !== "string") throw new EngineError("bundle", "the rule set's wasm is not base64");
  return {
    digest: contentDigest(bytes),
    rules,
    policies,
    lists,
    entries,
    index,
    wasm: wasm === null ? null : Buffer.from(wasm, "base64"),
  };
}

function isObject(value: unknown): value is Record<string, never> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
