import { ATOM_OPS } from "./formula/formula.ts";
import { SEVERITIES } from "./types/alert.ts";
import { ACTIONS, HOOKS, MODES, OPERATORS } from "./types/selector.ts";
import { CONTAINER_ID_FORM } from "./container-scope.ts";
import { DURATION_PATTERN } from "./duration.ts";

/** A JSON Schema. */
export type Schema = Record<string, unknown>;

const text: Schema = { type: "string", minLength: 1 };
const labels: Schema = { type: "object", additionalProperties: { type: "string" }, minProperties: 1 };
const containerId: Schema = { type: "string", pattern: CONTAINER_ID_FORM.source };

function closed(properties: Record<string, Schema>, required: string[] = []): Schema {
  return { type: "object", additionalProperties: false, properties, required };
}

export const SCOPE_SCHEMA: Schema = closed({
  nodes: { type: "array", items: text, minItems: 1 },
  host: { type: "boolean" },
  cgroup: { type: "string", pattern: "^/" },
  container: { ...closed({ id: containerId, name: text, image: text, labels }), minProperties: 1 },
  service: text,
  pod: { ...closed({ namespace: text, labels }), minProperties: 1 },
  tree: text,
});

const { host: _host, tree: _tree, ...partsOfEvents } = SCOPE_SCHEMA["properties"] as Record<string, Schema>;

/** The parts of a scope by which an event can be told: a rule's, which is not in the kernel. */
export const EVENT_SCOPE_SCHEMA: Schema = { ...closed(partsOfEvents), minProperties: 1 };

export const PREDICATE_SCHEMA: Schema = closed(
  {
    field: text,
    op: { enum: [...OPERATORS] },
    values: {
      type: "array",
      minItems: 1,
      items: {
        type: ["string", "number", "array"],
        items: { type: "number" },
        minItems: 2,
        maxItems: 2,
      },
    },
  },
  ["field", "op", "values"],
);

const because: Schema = closed({
  policy: text,
  ruleset: text,
  decision: text,
  decider: text,
  alert: text,
  event: text,
  events: { type: "array", items: text },
  person: text,
  reason: { type: "string" },
});

const priority: Schema = { type: "integer", minimum: -1000, maximum: 1000 };
const duration: Schema = { type: "string", pattern: DURATION_PATTERN };
const time: Schema = {
  type: "string",
  pattern: "^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d{1,9})?(Z|[+-]\\d\\d:\\d\\d)$",
};
const digest: Schema = { type: "string", pattern: "^sha256:[0-9a-f]{64}$" };

export const SELECTOR_SCHEMA: Schema = closed(
  {
    id: text,
    hook: { enum: [...HOOKS] },
    action: { enum: [...ACTIONS] },
    mode: { enum: [...MODES] },
    priority,
    rate: { type: ["number", "null"], exclusiveMinimum: 0 },
    rate_per: { enum: ["global", "process", "file"] },
    match: { type: "array", items: PREDICATE_SCHEMA },
    scope: SCOPE_SCHEMA,
    because,
  },
  ["id", "hook", "action", "mode", "priority", "rate", "match", "scope", "because"],
);

export const DECISION_SCHEMA: Schema = closed(
  {
    action: { enum: ["deny", "kill", "signal"] },
    hook: { enum: [...HOOKS] },
    match: { type: "array", items: PREDICATE_SCHEMA },
    scope: SCOPE_SCHEMA,
    ttl: duration,
    mode: { enum: [...MODES] },
    priority,
    fleet: { type: "boolean" },
    force: { type: "boolean" },
    reason: { type: "string" },
    because,
  },
  ["action", "hook"],
);

const formulaRef: Schema = { $ref: "#/definitions/formula" };

/** For schemas that have formulas in them: a formula is made of formulas. */
const FORMULA_DEFINITIONS: Schema = {
  formula: {
    type: ["boolean", "object"],
    additionalProperties: false,
    properties: {
      and: { type: "array", items: formulaRef },
      or: { type: "array", items: formulaRef },
      op: { enum: [...ATOM_OPS] },
      path: { type: "array", items: { type: "string" } },
      values: { type: "array", items: { type: ["string", "number", "boolean", "null", "object"] } },
      fold: { const: true },
      not: { const: true },
    },
    anyOf: [{ type: "boolean" }, { required: ["and"] }, { required: ["or"] }, { required: ["op", "path", "values"] }],
  },
};

const wants: Schema = {
  type: "object",
  propertyNames: { pattern: "^[a-z][a-z_]*$" },
  additionalProperties: closed({ formula: formulaRef, for: { type: "array", items: text } }, ["formula", "for"]),
};
const rulesets: Schema = { type: "array", items: digest };
const standby: Schema = { type: "array", items: { enum: [...HOOKS] } };

export const DEMAND_SCHEMA: Schema = {
  definitions: FORMULA_DEFINITIONS,
  ...closed(
    {
      wants,
      ttl: { type: "integer", minimum: 1000, maximum: 60_000 },
      rulesets,
      standby,
    },
    ["wants", "ttl"],
  ),
};

const desiredEntry: Schema = closed(
  {
    selectors: { type: "array", items: SELECTOR_SCHEMA },
    hooks: { type: "array", items: { enum: [...HOOKS] } },
    ttl: { type: ["number", "string"], minimum: 1, pattern: "^none$" },
    renewedAt: time,
    disarm: { const: true },
    demand: closed({ wants, rulesets, standby }, ["wants", "rulesets", "standby"]),
    because,
  },
  ["selectors", "hooks", "ttl", "renewedAt"],
);
export const DESIRED_SCHEMA: Schema = { definitions: FORMULA_DEFINITIONS, ...desiredEntry };

export const RULE_SET_SCHEMA: Schema = closed(
  {
    digest,
    built_at: time,
    rules: { type: "integer", minimum: 0 },
    policies: { type: "integer", minimum: 0 },
    sources: { type: "array", items: { type: "string" } },
  },
  ["digest", "built_at", "rules", "policies", "sources"],
);

/** What every event has, whatever its kind; the rest is checked by the generated schema of the kind. */
export const EVENT_SCHEMA: Schema = {
  type: "object",
  properties: {
    id: text,
    kind: { type: "string", pattern: "^[a-z][a-z_]*$" },
    node: text,
    time,
    rung: { type: "string" },
  },
  required: ["id", "kind", "node", "time"],
};

export const ALERT_SCHEMA: Schema = closed(
  {
    id: text,
    rule: text,
    severity: { enum: [...SEVERITIES] },
    title: { type: "string" },
    message: { type: "string" },
    tags: { type: "array", items: { type: "string" } },
    node: text,
    container: { type: ["object", "null"] },
    pod: { type: ["object", "null"] },
    first_time: time,
    last_time: time,
    count: { type: "integer", minimum: 1 },
    summary: { type: "boolean" },
    ruleset: { type: "string" },
    event: { type: "object", required: ["id", "kind"] },
  },
  [
    "id",
    "rule",
    "severity",
    "title",
    "message",
    "tags",
    "node",
    "first_time",
    "last_time",
    "count",
    "ruleset",
    "event",
  ],
);
