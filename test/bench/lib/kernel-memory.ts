import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

/** Bytes that the maps which a process holds take in the kernel, by the kernel's own account. */
export function mapBytes(pid: number): number {
  const held = new Map<string, number>();
  for (const fd of readdirSync(`/proc/${pid}/fdinfo`)) {
    const text = readOrEmpty(`/proc/${pid}/fdinfo/${fd}`);
    const id = /^map_id:\s*(\d+)$/m.exec(text)?.[1];
    const bytes = /^memlock:\s*(\d+)$/m.exec(text)?.[1];
    if (id !== undefined && bytes !== undefined) held.set(id, Number(bytes));
  }
  return [...held.values()].reduce((sum, bytes) => sum + bytes, 0);
}

/** How many descriptors a process has open. */
export function descriptors(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** Memory of a process in MB (10^6 bytes) that is its own. */
export function residentMb(pid: number): number {
  return (Number(/^RssAnon:\s*(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) * 1024) / 1e6;
}

/** How many eBPF programs the kernel has, whoever holds them. */
export function programsInKernel(): number {
  return (JSON.parse(execFileSync("bpftool", ["-j", "prog", "show"], { encoding: "utf8" })) as unknown[]).length;
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
