import type { Severity } from "../../bus/types/alert.ts";
import type { EventKind } from "../../bus/generated/events.ts";
import type { Scope } from "../../bus/types/selector.ts";
import type { PolicyKind } from "./kinds.ts";

/** A condition in JSONata under which a rule's finding is not one. `file` and `line` name it in errors. */
export interface Exception {
  name: string;
  when: string;
  file: string;
  line: number;
}

/** Findings that agree in all of `by` (paths or JSONata over the event) are one within `within` milliseconds. */
export interface Dedupe {
  by: string[];
  within: number;
}

/** The parts of a scope by which an event can be told. */
export type EventScope = Omit<Scope, "host" | "tree">;

interface RuleBase {
  id: string;
  on: EventKind[];
  /** Only events from there are looked at; absent in rule sets of before, and where all are. */
  scope?: EventScope;
  title: string;
  description: string;
  severity: Severity;
  tags: string[];
  dedupe: Dedupe | null;
  exceptions: Exception[];
  file: string;
  line: number;
}

/** Finds when `when` is true of an event. `message` may hold `{{JSONata}}`. */
export interface JsonataRule extends RuleBase {
  language: "jsonata";
  when: string;
  message: string;
}

/** Finds when `alert` of its package holds something; the messages are in there. `entry` is `detections/<name>/alert`. */
export interface RegoRule extends RuleBase {
  language: "rego";
  package: string;
  entry: string;
}

export type Rule = JsonataRule | RegoRule;

/** An enforcement package: `decision contains {...}` over alerts or events. `id` is its path, `enforcement/contain`. */
export interface Policy {
  id: string;
  on: PolicyKind[];
  scope?: EventScope;
  title: string;
  description: string;
  package: string;
  entry: string;
  file: string;
  line: number;
}
