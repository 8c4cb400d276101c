import { closeSync, readSync, writeSync } from "node:fs";
import { KernelError } from "./errors.ts";
import { duplicateFd, lastErrno, libc } from "./libc.ts";
import { BpfMap } from "./map.ts";

const POLLIN = 1;
const EFD_CLOEXEC = 0o2000000;
const EFD_NONBLOCK = 0o4000;
/** Longest sleep: a wake-up that got lost costs no more, and a process that ends does not wait longer for the thread. */
const LONGEST_MS = 1000;
const KEY = new Uint8Array(4);
const AWAKE = new Uint8Array(4);
const ASLEEP = new Uint8Array(new Uint32Array([1]).buffer);
const ONE = new Uint8Array(new BigUint64Array([1n]).buffer);

/** Waits, without a timer, for the next record of a ring whose programs wake only a reader that says it sleeps. */
export class RingSleep {
  readonly #ring: number;
  readonly #flag: BpfMap;
  readonly #interrupt: number;
  /** struct pollfd[2]: the ring, and what interrupts. */
  readonly #fds = Buffer.alloc(16);
  readonly #count = new Uint8Array(8);

  /** `ringFd` is the ring's and `flagFd` that of map `agent_asleep`; both may be closed afterwards. */
  constructor(ringFd: number, flagFd: number) {
    this.#ring = duplicateFd(ringFd);
    this.#flag = BpfMap.fromFd(flagFd);
    this.#interrupt = libc().eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (this.#ring < 0 || this.#interrupt < 0)
      throw new KernelError("ring", "cannot make what wakes the reader of the ring", { errno: lastErrno() });
    this.#fds.writeInt32LE(this.#ring, 0);
    this.#fds.writeInt32LE(this.#interrupt, 8);
  }

  /**
   * Resolves when there is a record, after `interrupt`, or after a second; says whether a program woke it.
   * @throws KernelError when the kernel refuses
   */
  async untilRecord(): Promise<boolean> {
    // said first: a record that comes from now on wakes, one that came before is seen by poll itself
    this.#flag.update(KEY, ASLEEP);
    this.#fds.writeInt16LE(POLLIN, 4);
    this.#fds.writeInt16LE(POLLIN, 12);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    libc().poll.async(this.#fds, 2, LONGEST_MS, (error, ready) => {
      // a signal that arrives meanwhile is no failure: whoever waits looks again
      if (error !== null) reject(new KernelError("ring", "cannot wait for the ring", { cause: error }));
      else if (ready < 0) setTimeout(resolve, 1);
      else resolve();
    });
    await promise;
    if ((this.#fds.readInt16LE(14) & POLLIN) !== 0) readSync(this.#interrupt, this.#count);
    // who wakes us takes the flag back
    const woken = this.#flag.lookup(KEY)?.[0] === 0;
    if (!woken) this.#flag.update(KEY, AWAKE);
    return woken;
  }

  /** Ends the wait; or the next one at once, when nobody waits now. */
  interrupt(): void {
    writeSync(this.#interrupt, ONE);
  }

  /** Only when nobody waits. */
  close(): void {
    this.#flag.close();
    closeSync(this.#ring);
    closeSync(this.#interrupt);
  }
}
