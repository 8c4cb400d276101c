import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Btf } from "./btf.ts";
import { emitDecoders } from "./emit/decoders.ts";
import { emitDocs } from "./emit/docs.ts";
import { emitExamples, emitHooks, emitKinds } from "./emit/kinds.ts";
import { emitRegoSchemas, emitSchema } from "./emit/schema.ts";
import { emitTypes } from "./emit/types.ts";
import { type KindFile, withKinds } from "./kinds.ts";
import { readLayouts } from "./layout.ts";
import { resolve } from "./resolve.ts";
import type { Wire } from "./wire.ts";

/** What follows from the records alone, and kinds may import: path in the repository -> text. */
export function recordOutputs(btf: Btf): Map<string, string> {
  return new Map([["agent/generated/records.ts", emitDecoders(readLayouts(btf))]]);
}

/** Everything else that is generated. */
export function outputs(btf: Btf, base: Wire, kinds: readonly KindFile[]): Map<string, string> {
  const layouts = readLayouts(btf);
  const wire = withKinds(base, kinds);
  const docOf = resolve(wire, layouts);
  const files = new Map([
    ["agent/generated/kinds.ts", emitKinds(kinds)],
    ["bus/generated/hooks.ts", emitHooks(kinds, layouts)],
    ["bus/generated/examples.ts", emitExamples(kinds)],
    ["bus/generated/events.ts", emitTypes(wire, docOf)],
    ["bus/generated/events.schema.json", emitSchema(wire, docOf)],
    ["docs/events.md", emitDocs(wire, layouts, docOf)],
  ]);
  for (const [name, text] of emitRegoSchemas(wire, docOf)) files.set(`rego/schemas/${name}`, text);
  return files;
}

/** One line for each file that is not what it should be. */
export function staleOutputs(root: string, files: Map<string, string>): string[] {
  return [...files].flatMap(([path, text]) => {
    const file = join(root, path);
    if (!existsSync(file)) return [`${path} is missing: npm run generate`];
    return readFileSync(file, "utf8") === text ? [] : [`${path} is stale: npm run generate`];
  });
}

/** Writes what changed, and returns its paths. */
export function writeOutputs(root: string, files: Map<string, string>): string[] {
  const written: string[] = [];
  for (const [path, text] of files) {
    const file = join(root, path);
    if (existsSync(file) && readFileSync(file, "utf8") === text) continue;
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    written.push(path);
  }
  return written;
}
