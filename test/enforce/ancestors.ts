import { readFileSync, readlinkSync } from "node:fs";

/** What the processes above one run, by /proc. */
export function ancestorBinaries(pid: number): string[] {
  const binaries: string[] = [];
  for (let at = pid; ;) {
    try {
      at = Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${at}/status`, "utf8"))![1]);
      if (at === 0) return binaries;
      binaries.push(readlinkSync(`/proc/${at}/exe`));
    } catch {
      // gone meanwhile, or hidden
      return binaries;
    }
  }
}
