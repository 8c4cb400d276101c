import { setTimeout as sleep } from "node:timers/promises";
import { BpfMap } from "../../../agent/kernel/map.ts";
import { BpfObject } from "../../../agent/kernel/object.ts";
import { compileBpf } from "../../agent/kernel/compile.ts";
import { mapsOf } from "./agent-maps.ts";

const GETPPID = process.arch === "arm64" ? 173 : 110;
const PROCESSES_A_CALL = 16;
const TICK_MS = 2;
const MARK_EVERY = 100;

/** Processes that never were, written into the ring of a running agent. */
export interface PipelineLoad {
  /** So many processes a second (two events each), for so long; resolves to how many there were, and in which time. */
  run(rate: number, seconds: number): Promise<{ processes: number; marks: string[]; ms: number }>;
  /** Records that found no room in the ring, since the agent started. */
  lost(): number;
  close(): void;
}

/** Attaches the program that makes them. */
export function attachLoad(agentPid: number): PipelineLoad {
  const maps = mapsOf(agentPid, ["events", "losses", "agent_asleep"]);
  const compiled = compileBpf("pipeline_load");
  const object = BpfObject.open(compiled.path("pipeline_load"), {
    maps,
    settings: { target_tgid: process.pid, getppid_number: GETPPID },
  });
  object.load();
  const link = object.attach("load");
  const made = BpfMap.fromFd(object.mapFd("made"));
  const losses = BpfMap.fromFd(maps.fd("losses")!);
  const count = (): number => sumOf(made.lookup(new Uint8Array(4)));
  return {
    run: async (rate, seconds) => {
      const first = count();
      const start = performance.now();
      for (let at = 0; at < seconds * 1000; at = performance.now() - start) {
        const due = Math.ceil((rate * at) / 1000 - (count() - first)) / PROCESSES_A_CALL;
        for (let i = 0; i < due; i++) void process.ppid;
        await sleep(TICK_MS);
      }
      const ms = performance.now() - start;
      const last = count();
      const marks: string[] = [];
      for (let n = first + 1; n <= last; n++)
        if (n % MARK_EVERY === 0) marks.push(`/mark/00000${n.toString(16).padStart(8, "0")}`);
      return { processes: last - first, marks, ms };
    },
    lost: () => {
      let sum = 0;
      for (const key of losses.keys()) for (const cell of losses.lookupPerCpu(key) ?? []) sum += sumOf(cell);
      return sum;
    },
    close: () => {
      link.close();
      made.close();
      losses.close();
      object.close();
      maps.close();
      compiled.remove();
    },
  };
}

function sumOf(cell: Uint8Array | undefined): number {
  return cell === undefined ? 0 : Number(Buffer.from(cell).readBigUInt64LE(0));
}
