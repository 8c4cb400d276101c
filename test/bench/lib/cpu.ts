import { readFileSync, readdirSync, writeFileSync } from "node:fs";

/**
 * Time on a CPU of a process's living threads, in microseconds, by the scheduler's own account (to the nanosecond; the ticks of
 * /proc/PID/stat count a process that a timer wakes wrongly). 0 when it is gone.
 */
export function cpuOf(pid: number): number {
  let ns = 0;
  try {
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      ns += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ")[0]);
    }
  } catch {
    // It has ended, or one of its threads just now.
  }
  return ns / 1000;
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
