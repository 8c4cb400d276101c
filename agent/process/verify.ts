import type { ProcessTable } from "./table.ts";

/** Marks dead what is gone without an exit record: after records were lost, or when the bound is reached. */
export function verifyLiving(table: ProcessTable, now: bigint): number {
  let gone = 0;
  for (const entry of table.entries()) {
    if (!entry.alive || exists(entry.tgid)) continue;
    table.gone(entry, now);
    gone++;
  }
  return gone;
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}
