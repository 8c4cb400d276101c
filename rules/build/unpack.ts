import { EngineError } from "../errors.ts";
import { readTarGz } from "../load/tar.ts";

/** The `/policy.wasm` of a bundle that `opa build` wrote (tar, gzip). @throws EngineError `opa_failed` */
export function unpackWasm(bundle: Uint8Array): Uint8Array {
  const wasm = readTarGz(bundle).get("policy.wasm");
  if (wasm === undefined) throw new EngineError("opa_failed", "opa build wrote no /policy.wasm");
  return wasm;
}
