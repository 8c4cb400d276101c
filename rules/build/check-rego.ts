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
import type { OpaResult } from "./opa.ts";
import type { Stage } from "./stage.ts";

/**
 * `opa check --strict` over the staged Rego, with the engine's capabilities; and, for each set of kinds that packages are
 * about, once more with their schema, so that a field that no such event has is an error. All at the same time: each takes
 * longer to start than to work.
 */
export async function checkRego(
  loaded: LoadedRules,
  stage: Stage,
  lacking: Set<string>,
  problems: Problems,
): Promise<void> {
  const before = problems.errors.length;
  const run = (extra: string[]): Promise<OpaResult> =>
    runOpa(
      ["check", "--strict", "--capabilities", "capabilities.json", "--format", "json", ...extra, "src"],
      stage.dir,
    );
  const take = ({ status, stdout, stderr }: OpaResult, only: ReadonlySet<string> | null): void => {
    if (status === 0) return;
    const said = addOpaErrors(
      stderr.trim() || stdout,
      lacking,
      (file, row) => placeIn(loaded, file, row, only),
      problems,
    );
    if (!said) throw new EngineError("opa_failed", `opa check failed: ${(stderr || stdout).trim().slice(0, 500)}`);
  };
  const groups = [...filesByKinds(loaded)].map(([key, files]) => {
    const name = `schema-${key.replaceAll(",", "-")}.json`;
    stage.write(name, JSON.stringify(schemaFor(key)));
    return { name, files };
  });
  const [plain, ...typed] = await Promise.all([run([]), ...groups.map(({ name }) => run(["--schema", name]))]);
  take(plain, null);
  if (problems.errors.length > before) return; // types make no sense over files that do not compile
  for (const [n, result] of typed.entries()) take(result, groups[n]!.files);
}

/** The schemas that the files of a set are checked against: with other ones, they must be checked again. */
export function schemasFor(loaded: LoadedRules): { schema: Schema; names: string[] }[] {
  return [...filesByKinds(loaded)].map(([key, files]) => ({
    schema: schemaFor(key),
    names: loaded.rego.filter(({ file }) => files.has(file)).map(({ name }) => name),
  }));
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

/** `key` is kinds joined by commas. */
function schemaFor(key: string): Schema {
  const kinds = key.split(",") as PolicyKind[];
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
