import { EVENT_KINDS } from "../../bus/generated/events.ts";
import { didYouMean } from "../../bus/nearest.ts";
import type { Event } from "../../bus/generated/events.ts";
import { SEVERITIES } from "../../bus/types/alert.ts";
import type { SourceFile } from "../load/files.ts";
import type { Problems } from "../load/problems.ts";
import { readYaml } from "../load/yaml-reader.ts";
import { fillEvent } from "./fill-event.ts";
import { strangeField } from "./strange-field.ts";

/** What a test expects of an event: nothing, or an alert with at least these fields. */
export type Expectation = null | { severity?: string; message?: string; tags?: string[] };

/** One rule, events, and what it makes of each. */
export interface RuleTest {
  rule: string;
  name: string;
  events: Event[];
  expect: Expectation[];
  file: string;
  line: number;
}

/**
 * Reads `{rule, name?, events: [...], expect: [...]}`, several documents a file. An event need only say what the test is
 * about: what is missing is filled in with an ordinary event of its kind. `expect` has an entry for each event: `true` or an
 * alert's fields, `false` where there is to be none; one entry counts for all events.
 */
export function readRuleTests(source: SourceFile, problems: Problems): RuleTest[] {
  const tests: RuleTest[] = [];
  for (const reader of readYaml(source.file, source.text, problems)) {
    const map = reader.map(reader.root, "a rule test", ["rule", "name", "events", "expect"]);
    const rule = map && reader.string(map.get("rule"), "rule");
    if (map === undefined) continue;
    if (rule === undefined) {
      if (!map.has("rule")) reader.error(undefined, "rule is missing", "the id of a rule");
      continue;
    }
    reader.rule = rule;
    const events: Event[] = [];
    for (const node of reader.items(map.get("events"), "events", `a sequence of events (${EVENT_KINDS.join(", ")})`) ??
      []) {
      const given = reader.plain(node);
      const event = fillEvent(given, events.length);
      if (typeof event === "string") {
        reader.error(node, event, EVENT_KINDS.join(", "));
        continue;
      }
      events.push(event);
      const strange = strangeField(event.kind, given as Record<string, unknown>);
      if (strange === null) continue;
      const { path, name, names } = strange;
      const where = path === "" ? `a ${event.kind} event` : path;
      reader.error(node, `${where} has no field "${name}"${didYouMean(name, names)}`, names.sort().join(", "));
    }
    const expect: Expectation[] = [];
    const form = "true, false, or {severity, message, tags}, one for each event or one for all";
    for (const node of reader.items(map.get("expect"), "expect", form, true) ?? []) {
      const value = reader.plain(node);
      if (typeof value === "boolean" || value === null) expect.push(value === true ? {} : null);
      else {
        const fields = reader.map(node, "an expectation", ["severity", "message", "tags"]);
        if (fields?.has("severity")) reader.oneOf(fields.get("severity"), "severity", SEVERITIES);
        if (fields !== undefined) expect.push(value as Expectation);
      }
    }
    if (expect.length !== events.length && expect.length !== 1) {
      reader.error(map.get("expect"), `expect has ${expect.length} entries for ${events.length} events`, form);
      continue;
    }
    const name = reader.string(map.get("name"), "name") ?? rule;
    const all = expect.length === 1 ? events.map(() => expect[0]!) : expect;
    tests.push({ ...{ rule, name, events, expect: all }, file: source.file, line: reader.lineOf(undefined) });
  }
  return tests;
}
