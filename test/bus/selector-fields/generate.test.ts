import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { selectorsDocument } from "../../../bus/selector-fields/generate.ts";
import { FIELD_NOTES } from "../../../bus/selector-fields/notes.ts";
import { SELECTOR_FIELDS } from "../../../bus/types/fields.ts";
import { HOOKS } from "../../../bus/types/selector.ts";

const text = readFileSync(join(import.meta.dirname, "../../../docs/selectors.md"), "utf8");

it("docs/selectors.md is what the vocabulary says", () => {
  expect(text).toBe(selectorsDocument());
});

it.each(Object.entries(SELECTOR_FIELDS))("%s: its operators and hooks are there", (name, { operators, hooks }) => {
  const row = text.split("\n").find((line) => line.startsWith(`| \`${name}\` |`))!;
  for (const operator of operators) expect(row).toContain(`\`${operator}\``);
  if (hooks.length < HOOKS.length) for (const hook of hooks) expect(row).toContain(`\`${hook}\``);
});

it("every field of the process is explained, and no other", () => {
  const everywhere = Object.entries(SELECTOR_FIELDS).filter(([, { hooks }]) => hooks.length === HOOKS.length);
  expect(Object.keys(FIELD_NOTES).sort()).toEqual(everywhere.map(([name]) => name).sort());
});
