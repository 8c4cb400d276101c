// Writes docs/selectors.md from the vocabulary of selectors. `--check`: only says whether it is what it should be (exit code
// 1 when not).
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SELECTOR_FIELDS, type SelectorField } from "../types/fields.ts";
import { type Hook, HOOKS } from "../types/selector.ts";
import { FIELD_NOTES } from "./notes.ts";

const FILE = join(import.meta.dirname, "../../docs/selectors.md");

/** Values of a field by its type, where the field itself does not list them. */
const VALUES: Readonly<Record<string, string>> = {
  path: "strings",
  number: "whole numbers; `range` takes pairs `[low, high]`, both included",
  address: 'IPv4 and IPv6 addresses; `cidr` takes "address/length"',
  device: '"major:minor", as `stat -c %Hd:%Ld` prints it',
  flags: "names of flags",
  capability: "names of capabilities, `CAP_SYS_ADMIN`",
  namespace: 'inodes of namespaces, or "host"',
  protocol: 'numbers, "tcp", "udp"',
  boolean: '"true" or "false"',
  text: "strings",
  name: "numbers or names",
};

const HEAD = `# What selectors can ask

Made by \`npm run generate\` from the vocabulary that controller and agent check selectors by (\`bus/types/fields.ts\`,
\`bus/selector-fields\`); do not edit.

A selector is one hook, a list of predicates that must all hold, a scope, and an action:

\`\`\`json
{"id": "shells-of-nginx", "hook": "process_exec", "action": "deny", "mode": "enforce", "priority": 0, "rate": null,
 "match": [{"field": "process.binary", "op": "in", "values": ["/bin/sh", "/bin/bash"]},
           {"field": "ancestors.binary", "op": "prefix", "values": ["/usr/sbin/nginx"]}],
 "scope": {"service": "web"}, "because": {}}
\`\`\`

A predicate holds when its field has any of the values; one whose operator begins with \`not\`, when it has none of them. Several
predicates on one field are ANDed like all others. Between enforcing selectors that match, the higher \`priority\` decides, then
the stronger action (kill, deny, signal), then the one that came first.

## Operators

| operators | hold when |
|---|---|
| \`in\`, \`notIn\` | the value is one of those (for capabilities and flags: it has one of them) |
| \`prefix\`, \`notPrefix\`, \`suffix\`, \`notSuffix\` | the text begins, ends with one of those |
| \`cidr\`, \`notCidr\` | the address lies in one of those networks; IPv4 in IPv6 form counts as IPv4 |
| \`range\`, \`notRange\` | the number lies in one of those ranges |
| \`mask\` | the number has any of these bits |

Texts have up to 255 bytes and paths begin with a slash, but for suffixes. What is not known (a path that could not be resolved, a
process that was not followed for want of memory) is undecided: an enforcing selector that asks for it takes effect all the same
and counts it (\`undecided\`), others too are told.
`;

const LIMITS = `
## Limits

On one hook: 10,240 selectors, 64 different lists of capabilities, masks, properties and ancestors, 10 different flags of a
hook's own. On all hooks together: 64 different texts of ancestors' binaries. What is too much is refused with this reason in
\`reeve status\`; the others apply.

An agent refuses a field where a rung decides before it has its final value, and a hook or an action that its kernel has no rung
for: \`reeve doctor\` says which it has. What selectors on files can promise: [file-selectors.md](file-selectors.md).
`;

export function selectorsDocument(): string {
  const entries = Object.entries(SELECTOR_FIELDS);
  const everywhere = entries.filter(([, { hooks }]) => hooks.length === HOOKS.length);
  const own = entries.filter(([, { hooks }]) => hooks.length < HOOKS.length);
  const rows = (fields: typeof entries) => fields.map(([name, field]) => row(name, field));
  return `${[
    HEAD,
    "## Fields of the process, at every hook\n",
    table(["field", "operators", "values", ""], rows(everywhere)),
    "## Fields that some hooks have\n",
    table(
      ["field", "operators", "values", "hooks"],
      own.map(([name, field]) => [...row(name, field).slice(0, 3), field.hooks.map(code).join(", ")]),
    ),
    "## Hooks\n",
    table(
      ["hook", "fields beside those of the process"],
      HOOKS.map((hook) => [code(hook), fieldsOf(hook, own)]),
    ),
    LIMITS.trim(),
  ].join("\n")}\n`;
}

function row(name: string, field: SelectorField): string[] {
  return [code(name), field.operators.map(code).join(", "), valuesOf(field), FIELD_NOTES[name] ?? ""];
}

function valuesOf(field: SelectorField): string {
  const { names, most } = field as SelectorField & { names?: readonly string[]; most?: number };
  const listed = names?.map(code).join(", ");
  if (listed !== undefined) return field.type === "flags" ? listed : `${listed}, or numbers`;
  const values = VALUES[field.type];
  if (values === undefined)
    throw new Error(`say in ${import.meta.filename} how values of type ${field.type} are written`);
  return most === undefined || most >= 2 ** 32 - 1 ? values : `${values}; up to ${most}`;
}

function fieldsOf(hook: Hook, fields: readonly (readonly [string, SelectorField])[]): string {
  return fields.flatMap(([name, { hooks }]) => (hooks.includes(hook) ? [code(name)] : [])).join(", ");
}

function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.join(" | ")} |`;
  return `${[line(head), `|${"---|".repeat(head.length)}`, ...rows.map(line)].join("\n")}\n`;
}

function code(text: string): string {
  return `\`${text}\``;
}

if (process.argv[1] === import.meta.filename) {
  const text = selectorsDocument();
  if (!process.argv.includes("--check")) writeFileSync(FILE, text);
  else if (readFileSync(FILE, "utf8") !== text) {
    console.error("docs/selectors.md is not what the vocabulary of selectors says: npm run generate");
    process.exitCode = 1;
  }
}
