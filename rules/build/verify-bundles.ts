import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { contentDigest } from "../../bus/ids.ts";
import { reasonOf } from "../errors.ts";
import { isBundle, isPacked } from "../load/bundle.ts";
import type { Problems } from "../load/problems.ts";
import { runOpa } from "./opa.ts";

/** With what the signatures of OPA bundles are verified; as `opa build` takes it. */
export interface BundleKey {
  /** A file with the public key (PEM), or the secret itself. */
  key: string;
  id: string;
  algorithm: string;
  scope: string;
}

/** What opa says of a bundle whose signature is good and whose Rego is not whole without the rest: that is checked with it. */
const ONLY_REGO = /^error: \d+ errors? occurred: .*rego_(?:type|compile|unsafe_var|recursion)_error/;

/**
 * Has opa verify the signature of each bundle among the paths. What is not signed, or not by this key, is a problem and left
 * out. Resolves to the paths that are left, and the digests of the packed ones that were verified.
 * @throws EngineError `opa_missing`, `opa_failed`
 */
export async function verifyBundles(
  paths: readonly string[],
  key: BundleKey,
  problems: Problems,
): Promise<{ paths: string[]; verified: Map<string, string> }> {
  const left: string[] = [];
  const verified = new Map<string, string>();
  for (const path of paths) {
    if (!isBundle(path)) {
      left.push(path);
      continue;
    }
    try {
      const digest = isPacked(path) ? await verifyPacked(path, key) : await verify(path, key).then(() => null);
      if (digest !== null) verified.set(path, digest);
      left.push(path);
    } catch (thrown) {
      const allowed = "a bundle signed (opa sign, opa build --signing-key) with the key of rules.bundle_key";
      problems.error({ file: path, line: null, rule: null }, `is refused: ${reasonOf(thrown)}`, allowed);
    }
  }
  return { paths: left, verified };
}

/** A copy is verified, so that what is read later is what was. */
async function verifyPacked(path: string, key: BundleKey): Promise<string> {
  const bytes = readFileSync(path);
  const dir = mkdtempSync(join(tmpdir(), "reeve-bundle-"));
  try {
    const copy = join(dir, "bundle.tar.gz");
    writeFileSync(copy, bytes);
    await verify(copy, key);
    return contentDigest(bytes);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

async function verify(path: string, { key, id, algorithm, scope }: BundleKey): Promise<void> {
  const scoped = scope === "" ? [] : ["--scope", scope];
  const how = ["--verification-key", key, "--verification-key-id", id, "--signing-alg", algorithm, ...scoped];
  const { status, stdout, stderr } = await runOpa(
    ["build", "--bundle", path, ...how, "--output", "/dev/null"],
    tmpdir(),
  );
  const said = `${stdout}${stderr}`.trim();
  if (status === 0 || ONLY_REGO.test(said)) return;
  throw new Error(said.replace(/^error: (?:load error: )?(?:bundle \S+: )?/, "").split("\n")[0] ?? "");
}
