import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { SourceFile } from "../load/files.ts";

/**
 * The Rego files in a directory of their own under names that are the same on any machine: they stand in the wasm, and
 * runtime errors give them back. Call `remove` at the end.
 */
export interface Stage {
  dir: string;
  write(name: string, text: string): void;
  remove(): void;
}

export function stageFiles(sources: readonly SourceFile[]): Stage {
  const dir = mkdtempSync(join(tmpdir(), "reeve-rules-"));
  const write = (name: string, text: string): void => {
    mkdirSync(dirname(join(dir, name)), { recursive: true });
    writeFileSync(join(dir, name), text);
  };
  for (const source of sources) write(join("src", source.name), stagedText(source));
  return { dir, write, remove: () => rmSync(dir, { recursive: true, force: true }) };
}

/**
 * The text without the METADATA key `schemas`, its lines left empty. It names files of `opa check -s DIR`, for authors; here
 * the kinds that a package is about say which schema it is checked against.
 */
export function stagedText({ text }: SourceFile): string {
  return text.replace(/^#\s*schemas:.*\n(?:#\s+-.*\n|#\s{4,}.*\n)*/gm, (block) => block.replace(/^#.*$/gm, "#"));
}
