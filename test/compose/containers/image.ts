import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildProgram } from "../../programs/build.ts";
import { must } from "../engine/run.ts";

/** Runs /bin/probe again and again: see test/programs/exec-again.c. */
export const IMAGE = "reeve-test/exec-again";
export const LOOP = "/bin/exec-again";
export const PROBE = "/bin/probe";

/** A root directory that holds one static program under two names. */
export function makeRoot(): string {
  const root = mkdtempSync(join(tmpdir(), "reeve-exec-again-"));
  mkdirSync(join(root, "bin"));
  copyFileSync(buildProgram("exec-again", { static: true }), join(root, LOOP));
  copyFileSync(join(root, LOOP), join(root, PROBE));
  return root;
}

/** Makes the image of it. */
export async function makeImage(env: NodeJS.ProcessEnv): Promise<void> {
  const root = makeRoot();
  try {
    const pack = `tar -C "$1" -c . | docker import - ${IMAGE}:1 && docker tag ${IMAGE}:1 ${IMAGE}:latest`;
    await must("sh", ["-c", pack, "sh", root], { env });
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}
