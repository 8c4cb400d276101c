import { BpfMap } from "../kernel/map.ts";
import { RECORD_KINDS } from "../generated/records.ts";
import type { LossBook } from "./losses.ts";

const NAMES = new Map<number, string>(Object.entries(RECORD_KINDS).map(([name, kind]) => [kind, name]));

/** Watches the kernel's count of records for which the ring had no room. */
export class RingLosses {
  readonly #map: BpfMap;
  readonly #losses: LossBook;
  readonly #seen = new Map<number, bigint>();
  #since: bigint;

  /** `fd` is map `losses`, which counts per CPU and kind. `now` in ns since boot. */
  constructor(fd: number, losses: LossBook, now: bigint) {
    this.#map = BpfMap.fromFd(fd);
    this.#losses = losses;
    this.#since = now;
  }

  /** Adds what was lost since the last look to the book; returns how many records that were. */
  look(now: bigint): number {
    let lost = 0;
    for (let kind = 0; kind < this.#map.maxEntries; kind++) {
      const total = this.#total(kind);
      const count = Number(total - (this.#seen.get(kind) ?? 0n));
      if (count === 0) continue;
      this.#seen.set(kind, total);
      this.#losses.add({
        reason: "ring_overflow",
        kind: NAMES.get(kind) ?? "unknown",
        count,
        from: this.#since,
        to: now,
      });
      lost += count;
    }
    this.#since = now;
    return lost;
  }

  close(): void {
    this.#map.close();
  }

  #total(kind: number): bigint {
    let total = 0n;
    for (const value of this.#map.lookupPerCpu(new Uint8Array(new Uint32Array([kind]).buffer)) ?? [])
      total += new DataView(value.buffer, value.byteOffset).getBigUint64(0, true);
    return total;
  }
}
