import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildProgram } from "../../programs/build.ts";
import { must } from "../engine/run.ts";

/** Runs /bin/probe again and again: see test/programs/exec-again.c. */
export const IMAGE = "reeve-test/exec-again";
export const LOOP = "/bin/exec-again";
export const PROBE = "/bin/probe";

/** Makes the image, which holds one static program under two names. */
export async function makeImage(env: NodeJS.ProcessEnv): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), "reeve-exec-again-"));
  try {
    mkdirSync(join(root, "bin"));
    copyFileSync(buildProgram("exec-again", { static: true }), join(root, LOOP));
    copyFileSync(join(root, LOOP), join(root, PROBE));
    const pack = `tar -C "$1" -c . | docker import - ${IMAGE}:1 && docker tag ${IMAGE}:1 ${IMAGE}:latest`;
    await must("sh", ["-c", pack, "sh", root], { env });
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}
