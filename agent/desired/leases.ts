import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { DesiredEntry } from "../../bus/types/desired.ts";

interface Lease {
  renewedAt: string;
  ttl: number;
  /** Ns since boot. */
  deadline: bigint;
}

/**
 * When each entry of the desired state ends on this node. The clock runs from the moment that a renewal is first seen, and
 * is kept in a file under the boot id: neither seeing the entry again nor a new start of the agent gives it more time.
 */
export class LeaseBook {
  readonly #path: string;
  readonly #boot: string;
  readonly #leases = new Map<string, Lease>();

  /** `path` is the book's file; what it says of another boot counts for nothing. */
  constructor(path: string, boot: string) {
    this.#path = path;
    this.#boot = boot;
    this.#read();
  }

  /**
   * The deadline of this entry in ns since boot, null for one without end. Seen for the first time, or renewed, it gets
   * its whole time from `now` on. Call `save` after a set of these.
   */
  deadline(key: string, entry: DesiredEntry, now: bigint): bigint | null {
    if (entry.ttl === "none") {
      this.#leases.delete(key);
      return null;
    }
    const known = this.#leases.get(key);
    if (known !== undefined && known.renewedAt === entry.renewedAt && known.ttl === entry.ttl) return known.deadline;
    const deadline = now + BigInt(Math.round(entry.ttl * 1e6));
    this.#leases.set(key, { renewedAt: entry.renewedAt, ttl: entry.ttl, deadline });
    return deadline;
  }

  /** Forgets the keys that are not in the desired state any more. An ended lease is remembered while its entry is there. */
  keep(keys: ReadonlySet<string>): void {
    for (const key of this.#leases.keys()) if (!keys.has(key)) this.#leases.delete(key);
  }

  save(): void {
    const leases = Object.fromEntries(
      [...this.#leases].map(([key, lease]) => [key, { ...lease, deadline: lease.deadline.toString() }]),
    );
    mkdirSync(dirname(this.#path), { recursive: true });
    writeFileSync(`${this.#path}.new`, `${JSON.stringify({ boot: this.#boot, leases })}\n`, { mode: 0o600 });
    renameSync(`${this.#path}.new`, this.#path);
  }

  #read(): void {
    let book: { boot?: unknown; leases?: Record<string, { renewedAt: string; ttl: number; deadline: string }> };
    try {
      book = JSON.parse(readFileSync(this.#path, "utf8")) as typeof book;
    } catch {
      return; // no run before in this boot, or one whose file is lost: leases begin anew
    }
    if (book.boot !== this.#boot) return;
    for (const [key, lease] of Object.entries(book.leases ?? {})) {
      if (typeof lease.renewedAt !== "string" || typeof lease.ttl !== "number" || !/^\d+$/.test(lease.deadline))
        continue;
      this.#leases.set(key, { renewedAt: lease.renewedAt, ttl: lease.ttl, deadline: BigInt(lease.deadline) });
    }
  }
}
