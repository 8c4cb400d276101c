import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { sections } from "../../../agent/kernel/elf.ts";

/** What says where the code came from, and not what it does. */
const ASIDE = /^(\.rel)?\.BTF\.ext$|^\.(symtab|strtab|llvm_addrsig)$/;

/** What the verifier's word on an object's programs depends on: the same code has the same digest, wherever its lines stand. */
export function codeDigest(path: string): string {
  const bytes = readFileSync(path);
  const hash = createHash("sha256");
  for (const { name, offset, size } of sections(bytes, path))
    if (!ASIDE.test(name)) hash.update(`${name} ${size}\n`).update(bytes.subarray(offset, offset + size));
  return hash.digest("hex").slice(0, 16);
}
