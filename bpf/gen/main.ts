// Writes everything that follows from the event descriptions, or with --check says what is stale.
//   node bpf/gen/main.ts [--check]
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { Btf } from "./btf.ts";
import { GenerateError } from "./errors.ts";
import { readKinds } from "./kinds.ts";
import { outputs, recordOutputs, staleOutputs, writeOutputs } from "./outputs.ts";
import { WIRE } from "./wire-events.ts";

const REPO = join(import.meta.dirname, "../..");

try {
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
  settle(recordOutputs(btf));
  settle(outputs(btf, WIRE, await readKinds(REPO)));
} catch (error) {
  if (!(error instanceof GenerateError)) throw error;
  for (const problem of error.problems) console.error(problem);
  process.exitCode = 1;
}
