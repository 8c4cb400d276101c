import { gunzipSync } from "node:zlib";
import { EngineError } from "../errors.ts";

const BLOCK = 512;

/** The `/policy.wasm` of a bundle that `opa build` wrote (tar, gzip). @throws EngineError `opa_failed` */
export function unpackWasm(bundle: Uint8Array): Uint8Array {
  const tar = gunzipSync(bundle);
  for (let at = 0; at + BLOCK <= tar.length;) {
    const name = tar.toString("utf8", at, at + 100).replace(/\0.*$/s, "");
    if (name === "") break;
    const size = parseInt(tar.toString("latin1", at + 124, at + 136), 8);
    if (name === "/policy.wasm") return tar.subarray(at + BLOCK, at + BLOCK + size);
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
  }
  throw new EngineError("opa_failed", "opa build wrote no /policy.wasm");
}
