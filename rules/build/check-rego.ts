import type { EventKind } from "../../bus/generated/events.ts";
import { EVENT_KINDS } from "../../bus/generated/events.ts";
import type { LoadedRules } from "../load/load.ts";
import type { Place, Problems } from "../load/problems.ts";
import { schemaOf } from "../lint/event-schema.ts";
import type { Schema } from "../lint/event-schema.ts";
import type { PolicyKind } from "../model/kinds.ts";
import { EngineError } from "../errors.ts";
import { addOpaErrors } from "./opa-errors.ts";
import { runOpa } from "./opa.ts";
import type { Stage } from "./stage.ts";

/**
 * `opa check --strict` over the staged Rego, with the engine's capabilities; then, for each set of kinds that packages are
 * about, once more with their schema, so that a field that no such event has is an error.
 */
export async function checkRego(
  loaded: LoadedRules,
  stage: Stage,
  lacking: Set<string>,
  problems: Problems,
): Promise<void> {
  const before = problems.errors.length;
  const check = async (extra: string[], only: ReadonlySet<string> | null): Promise<void> => {
    const args = ["check", "--strict", "--capabilities", "capabilities.json", "--format", "json", ...extra, "src"];
    const { status, stdout, stderr } = await runOpa(args, stage.dir);
    if (status === 0) return;
    const said = addOpaErrors(
      stderr.trim() || stdout,
      lacking,
      (file, row) => placeIn(loaded, file, row, only),
      problems,
    );
    if (!said) throw new EngineError("opa_failed", `opa check failed: ${(stderr || stdout).trim().slice(0, 500)}`);
  };
  await check([], null);
  if (problems.errors.length > before) return; // types make no sense over files that do not compile
  for (const [key, files] of filesByKinds(loaded)) {
    const name = `schema-${key.replaceAll(",", "-")}.json`;
    stage.write(name, JSON.stringify(schemaFor(key.split(",") as PolicyKind[])));
    await check(["--schema", name], files);
  }
}

function filesByKinds(loaded: LoadedRules): Map<string, Set<string>> {
  const groups = new Map<string, Set<string>>();
  for (const thing of [...loaded.rules.filter((rule) => rule.language === "rego"), ...loaded.policies]) {
    const key = [...thing.on].sort().join(",");
    const files = groups.get(key) ?? new Set();
    groups.set(key, files.add(thing.file));
  }
  return groups;
}

function schemaFor(kinds: readonly PolicyKind[]): Schema {
  const schemas = kinds.map((kind) => (kind === "alert" ? alertSchema() : schemaOf(kind)));
  return schemas.length === 1 ? schemas[0]! : { anyOf: schemas };
}

function alertSchema(): Schema {
  const alert = schemaOf("alert");
  const events = EVENT_KINDS.map((kind: EventKind) => schemaOf(kind));
  return { ...alert, properties: { ...alert.properties, event: { anyOf: events } } };
}

/** Null for a file that is not asked about. A message without a file is the whole set's. */
function placeIn(
  loaded: LoadedRules,
  staged: string,
  row: number | null,
  only: ReadonlySet<string> | null,
): Place | null {
  const name = staged.replace(/^\.?\/?src\//, "");
  const source = [...loaded.rego, ...loaded.regoTests].find((file) => file.name === name);
  if (source === undefined) return only === null ? { file: staged || "rego", line: row, rule: null } : null;
  if (only !== null && !only.has(source.file)) return null;
  const thing = [...loaded.rules, ...loaded.policies].find((candidate) => candidate.file === source.file);
  return { file: source.file, line: row, rule: thing?.id ?? null };
}
