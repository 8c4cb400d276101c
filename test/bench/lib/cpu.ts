import { readFileSync, readdirSync, writeFileSync } from "node:fs";

/** User and system time of a process and its ended children, in microseconds. 0 when it is gone. */
export function cpuOf(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    // schedstat would count the main thread only; a tick of stat is 10 ms, which a run of seconds averages out.
    return (Number(fields[11]) + Number(fields[12])) * 10_000;
  } catch {
    return 0;
  }
}

/** Time that the eBPF programs held by a process ran, in microseconds; needs `withBpfStats`. */
export function bpfTimeOf(pid: number): number {
  let ns = 0;
  const seen = new Set<string>();
  for (const fd of readdirSync(`/proc/${pid}/fdinfo`)) {
    let text: string;
    try {
      text = readFileSync(`/proc/${pid}/fdinfo/${fd}`, "utf8");
    } catch {
      continue;
    }
    const id = /^prog_id:\s*(\d+)/m.exec(text)?.[1];
    const time = /^run_time_ns:\s*(\d+)/m.exec(text)?.[1];
    if (id === undefined || time === undefined || seen.has(id)) continue;
    seen.add(id);
    ns += Number(time);
  }
  return ns / 1000;
}

/** Runs something with the kernel timing eBPF programs, and sets it back as it was. */
export async function withBpfStats<T>(run: () => Promise<T>): Promise<T> {
  const file = "/proc/sys/kernel/bpf_stats_enabled";
  const before = readFileSync(file, "utf8");
  writeFileSync(file, "1");
  try {
    return await run();
  } finally {
    writeFileSync(file, before);
  }
}

/** Anonymous memory of a process in MB (10^6 bytes): what it holds itself, without mapped files and shared pages. */
export function anonymousMb(pid: number): number {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  return (Number(/^Anonymous:\s*(\d+) kB/m.exec(rollup)?.[1] ?? 0) * 1024) / 1e6;
}
