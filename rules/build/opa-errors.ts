import { ENGINE_BUILTINS } from "./capabilities.ts";
import { nearest } from "../../bus/nearest.ts";
import type { Place, Problems } from "../load/problems.ts";

interface OpaError {
  message: string;
  code?: string;
  location?: { file?: string; row?: number };
  details?: { line?: string; want?: { value?: unknown }[] };
}

/** What a staged file is to its author. */
export type PlaceOf = (stagedFile: string, row: number | null) => Place | null;

/**
 * Turns `opa check --format json` (or what another verb says on stderr) into problems. Returns whether it said anything
 * that could be read.
 */
export function addOpaErrors(
  output: string,
  lacking: ReadonlySet<string>,
  placeOf: PlaceOf,
  problems: Problems,
): boolean {
  const errors = parse(output);
  for (const error of errors) {
    const file = error.location?.file ?? "";
    const place = placeOf(file, error.location?.row ?? null);
    if (place === null) continue;
    const { message, allowed } = explain(error, lacking);
    problems.error(place, message, allowed);
  }
  return errors.length > 0;
}

function explain(error: OpaError, lacking: ReadonlySet<string>): { message: string; allowed: string | null } {
  const undefinedFunction = /undefined function ([\w.]+)/.exec(error.message)?.[1];
  if (undefinedFunction !== undefined && lacking.has(undefinedFunction)) {
    const message = `${undefinedFunction} is a builtin that the engine lacks`;
    const family = [...ENGINE_BUILTINS].filter((name) => name.split(".")[0] === undefinedFunction.split(".")[0]);
    return { message, allowed: family.length > 0 ? family.sort().join(", ") : "see `opa capabilities` and the README" };
  }
  if (undefinedFunction !== undefined) {
    const near = nearest(undefinedFunction, ENGINE_BUILTINS);
    return { message: `${error.message}${near === null ? "" : `: did you mean "${near}"?`}`, allowed: null };
  }
  const reference = /undefined ref: (?:input|data)\.([\w.[\]]+)/.exec(error.message);
  const have = /have: "(\w+)"/.exec(error.message)?.[1] ?? lastName(error);
  const want = /want \(one of\): (\[.*?\])/s.exec(error.message)?.[1] ?? null;
  if (reference === null) return { message: oneLine(error.message), allowed: null };
  const names = want === null ? wanted(error) : (want.match(/"([^"]+)"/g)?.map((name) => name.slice(1, -1)) ?? []);
  const near = have === undefined ? null : nearest(have, names);
  const field = reference[0].replace("undefined ref: ", "");
  return {
    message: `there is no field ${field}${near === null ? "" : `: did you mean "${near}"?`}`,
    allowed: names.length > 0 ? names.join(", ") : null,
  };
}

function wanted(error: OpaError): string[] {
  const details = error.details as { oneOf?: unknown[]; one_of?: unknown[] } | undefined;
  const values = details?.oneOf ?? details?.one_of ?? [];
  return values.map((value) => String((value as { value?: unknown })?.value ?? value));
}

function lastName(error: OpaError): string | undefined {
  return /undefined ref: [\w.[\]]*?(\w+)\s*$/m.exec(error.message)?.[1];
}

function parse(output: string): OpaError[] {
  try {
    const parsed = JSON.parse(output) as { errors?: OpaError[] };
    return parsed.errors ?? [];
  } catch {
    // `opa build` speaks in lines: "file:row: code: message"
    const found: OpaError[] = [];
    for (const line of output.split("\n")) {
      const parts = /^(?:error: |\d+ errors? occurred: ?)*([^:\s][^:]*):(\d+): (\w+): (.*)$/.exec(line.trim());
      if (parts) found.push({ message: parts[4]!, location: { file: parts[1]!, row: Number(parts[2]) } });
    }
    return found;
  }
}

function oneLine(message: string): string {
  return message.replace(/\s+/g, " ").trim();
}
