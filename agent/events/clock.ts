import { boottime } from "../kernel/libc.ts";

const SECOND = 1_000_000_000n;

/** Turns kernel times (ns since boot) into RFC 3339 with nanoseconds. Follows the wall clock when `adjust` is called. */
export class WallClock {
  readonly #now: () => bigint;
  readonly #wall: () => bigint;
  /** Wall clock at boot, ns since 1970. */
  #offset = 0n;
  /** The second (boottime of its start) that `#prefix` shows. */
  #second = 0n;
  #prefix = "";

  /** `now` and `wall` give ns since boot and since 1970; the machine's by default. */
  constructor(now: () => bigint = boottime, wall: () => bigint = wallTime) {
    this.#now = now;
    this.#wall = wall;
    this.adjust();
  }

  /** Ns since boot. */
  now(): bigint {
    return this.#now();
  }

  /** Looks at the wall clock again; small steps (the two clocks are not read at once) are left out. */
  adjust(): void {
    const offset = this.#wall() - this.#now();
    const step = offset - this.#offset;
    if (step < 2_000_000n && step > -2_000_000n) return;
    this.#offset = offset;
    this.#prefix = "";
  }

  format(time: bigint): string {
    let ns = Number(time - this.#second);
    if (!(ns >= 0 && ns < 1e9) || this.#prefix === "") {
      const wall = time + this.#offset;
      const within = wall % SECOND;
      this.#second = time - within;
      this.#prefix = new Date(Number((wall - within) / 1_000_000n)).toISOString().slice(0, 20);
      ns = Number(within);
    }
    return `${this.#prefix}${PADDED[9 - digits(ns)]}${ns}Z`;
  }
}

const PADDED = Array.from({ length: 10 }, (_, zeros) => "0".repeat(zeros));

function digits(n: number): number {
  if (n >= 1e8) return 9;
  if (n >= 1e7) return 8;
  if (n >= 1e6) return 7;
  if (n >= 1e5) return 6;
  if (n >= 1e4) return 5;
  if (n >= 1e3) return 4;
  if (n >= 1e2) return 3;
  return n >= 10 ? 2 : 1;
}

/** Date has milliseconds; performance.timeOrigin + now has a fraction of a microsecond, but does not follow steps. */
function wallTime(): bigint {
  return BigInt(Date.now()) * 1_000_000n;
}
