// Writes everything that follows from the event descriptions, or with --check says what is stale.
//   node bpf/gen/main.ts [--check]
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Btf } from "./btf.ts";
import { GenerateError } from "./errors.ts";
import { readKinds } from "./kinds.ts";
import { outputs, recordOutputs, staleOutputs, writeOutputs } from "./outputs.ts";
import { WIRE } from "./wire-events.ts";

const REPO = join(import.meta.dirname, "../..");

try {
  const numbered = headers();
  execFileSync(process.execPath, [join(REPO, "bpf/build.mjs")], { stdio: ["ignore", "ignore", "inherit"] });
  const check = process.argv.includes("--check");
  const btf = Btf.read(join(REPO, "bpf/out/layouts.o"));
  const settle = (files: Map<string, string>): void => {
    if (check) {
      const stale = staleOutputs(REPO, files);
      if (stale.length > 0) throw new GenerateError("stale", stale);
    } else {
      for (const path of writeOutputs(REPO, files)) console.log(`wrote ${path}`);
    }
  };
  // the build numbers kinds by itself: nothing would be stale after it
  const renumbered = [...headers()].filter(([file, text]) => numbered.get(file) !== text);
  if (check && renumbered.length > 0)
    throw new GenerateError(
      "stale",
      renumbered.map(([file]) => `bpf/include/generated/${file} was stale: npm run generate`),
    );
  settle(recordOutputs(btf));
  settle(outputs(btf, WIRE, await readKinds(REPO)));
} catch (error) {
  if (!(error instanceof GenerateError)) throw error;
  for (const problem of error.problems) console.error(problem);
  process.exitCode = 1;
}

/** bpf/include/generated, by name. */
function headers(): Map<string, string> {
  const dir = join(REPO, "bpf/include/generated");
  if (!existsSync(dir)) return new Map();
  return new Map(readdirSync(dir).map((file) => [file, readFileSync(join(dir, file), "utf8")]));
}
