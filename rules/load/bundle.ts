import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { parseDocument } from "yaml";
import { contentDigest } from "../../bus/ids.ts";
import { reasonOf } from "../errors.ts";
import type { SourceDir, SourceFile } from "./files.ts";
import type { Problems } from "./problems.ts";
import { readTarGz } from "./tar.ts";

const PACKED = /\.(?:tar\.gz|tgz)$/;
const DATA = /(?:^|\/)data\.(?:json|ya?ml)$/;
const DATA_FORM = "data.lists.<name>, which rules read as data.lists.<name> and $lists.<name>";

/** Whether a path is a packed OPA bundle. */
export function isPacked(path: string): boolean {
  return PACKED.test(path);
}

/** Whether a path is an OPA bundle: packed, or a directory with a manifest. */
export function isBundle(path: string): boolean {
  return isPacked(path) || existsSync(join(path, ".manifest"));
}

/** A path's own name, without what says that it is packed. */
export function unpackedName(path: string): string {
  return path.replace(PACKED, "");
}

/**
 * The Rego of an OPA bundle, and its data as lists. `verified` is the digest of the bytes whose signature was verified: others
 * are refused.
 */
export function readBundle(dir: SourceDir, verified: string | undefined, problems: Problems): SourceFile[] {
  const place = { file: dir.path, line: null, rule: null };
  let files: Map<string, Buffer>;
  try {
    if (isPacked(dir.path)) {
      const bytes = readFileSync(dir.path);
      if (verified !== undefined && contentDigest(bytes) !== verified)
        throw new Error("it was changed while it was read");
      files = readTarGz(bytes);
    } else files = readDirectory(dir.path);
  } catch (thrown) {
    problems.error(
      place,
      `is no OPA bundle: ${reasonOf(thrown)}`,
      "a directory with .manifest, or one packed as .tar.gz",
    );
    return [];
  }
  const sources: SourceFile[] = [];
  for (const [name, bytes] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const file = `${dir.path}${isPacked(dir.path) ? ":" : ""}/${name}`;
    const text = bytes.toString("utf8");
    if (name.endsWith(".rego")) {
      sources.push({
        file,
        name: `${dir.label}/${name}`,
        text,
        role: name.endsWith("_test.rego") ? "rego-test" : "rego",
      });
    } else if (DATA.test(name)) sources.push(...listsOf({ file, name, text, label: dir.label }, problems));
  }
  if (sources.length === 0) problems.error(place, "holds no Rego and no lists", "a bundle of rules");
  return sources;
}

function readDirectory(path: string): Map<string, Buffer> {
  const files = new Map<string, Buffer>();
  for (const entry of readdirSync(path, { recursive: true, encoding: "utf8" })) {
    const file = join(path, entry);
    const name = relative(path, file).split(sep).join("/");
    if (!/(?:^|\/)\.(?!manifest)/.test(name) && statSync(file).isFile()) files.set(name, readFileSync(file));
  }
  return files;
}

/** Data stands where its folder says: `lists/shells/data.json` is `data.lists.shells`. */
function listsOf(data: { file: string; name: string; text: string; label: string }, problems: Problems): SourceFile[] {
  const { file, name, text, label } = data;
  const place = { file, line: null, rule: null };
  const document = parseDocument(text);
  const error = document.errors[0];
  if (error !== undefined) {
    problems.error({ ...place, line: error.linePos?.[0].line ?? null }, `cannot be read: ${error.message}`, DATA_FORM);
    return [];
  }
  let value: unknown = document.toJS({ maxAliasCount: 100 });
  for (const key of name.split("/").slice(0, -1).reverse()) value = { [key]: value };
  const { lists, ...others } = (value ?? {}) as Record<string, unknown>;
  for (const key of Object.keys(others)) problems.error(place, `holds data.${key}, which no rule can read`, DATA_FORM);
  if (typeof lists !== "object" || lists === null || Array.isArray(lists)) return [];
  return Object.entries(lists).map(([list, items]): SourceFile => {
    return { file, name: `${label}/lists/${list}.json`, text: JSON.stringify(items), role: "list" };
  });
}
