import { closeSync, fstatSync, mkdirSync, openSync, renameSync, writeSync } from "node:fs";
import { dirname } from "node:path";

/** How many of the last lines are kept at hand, to be shown when the process dies. */
const TAIL = 20;

/** A child's log: at most `maxBytes` in the file and as much in the one before it (`.1`); the last lines in memory. */
export class LogFile {
  readonly path: string;
  readonly #maxBytes: number;
  readonly #tail: string[] = [];
  #fd: number;
  #size: number;

  constructor(path: string, maxBytes = 5_000_000) {
    this.path = path;
    this.#maxBytes = maxBytes;
    mkdirSync(dirname(path), { recursive: true });
    this.#fd = openSync(path, "a", 0o640);
    this.#size = fstatSync(this.#fd).size;
  }

  line(text: string): void {
    this.#tail.push(text);
    if (this.#tail.length > TAIL) this.#tail.shift();
    if (this.#fd < 0) return;
    const bytes = Buffer.from(`${text}\n`);
    if (this.#size + bytes.length > this.#maxBytes && this.#size > 0) this.#rotate();
    writeSync(this.#fd, bytes);
    this.#size += bytes.length;
  }

  /** The last lines written, oldest first. */
  tail(count = TAIL): string[] {
    return this.#tail.slice(-count);
  }

  /** Lines that come later are kept at hand only. */
  close(): void {
    if (this.#fd >= 0) closeSync(this.#fd);
    this.#fd = -1;
  }

  #rotate(): void {
    closeSync(this.#fd);
    renameSync(this.path, `${this.path}.1`);
    this.#fd = openSync(this.path, "a", 0o640);
    this.#size = 0;
  }
}
