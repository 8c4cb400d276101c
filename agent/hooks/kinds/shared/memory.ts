import { flags, path, truth } from "../../../selectors/hooks/define.ts";

/** include/uapi/asm-generic/mman-common.h. */
const PROTECTION = { PROT_READ: 1, PROT_WRITE: 2, PROT_EXEC: 4 };

/** Selectors' fields of hooks about executable memory: bpf/include/memory.h. */
export const MEMORY_FIELDS = {
  "file.path": path(0),
  "memory.protection": flags(3, PROTECTION),
  anonymous: truth(4),
};

/** The names of protection bits, as JSON. */
export function protectionJson(bits: number): string {
  return JSON.stringify(Object.entries(PROTECTION).flatMap(([name, bit]) => ((bits & bit) === 0 ? [] : [name])));
}

/** `0x7f…`: an address is no number to count with. */
export function addressJson(address: number): string {
  return `"0x${address.toString(16)}"`;
}
