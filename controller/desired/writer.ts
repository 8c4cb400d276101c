import type { DesiredEntry } from "../../bus/types/desired.ts";
import { codeOf, ControllerError } from "../errors.ts";
import type { DesiredBucket } from "../port.ts";
import { LiveState } from "./live.ts";

const ATTEMPTS = 8;

/** Writes the desired state by compare-and-set, so that nothing written in between is lost. */
export class DesiredWriter {
  readonly live = new LiveState();
  readonly #bucket: DesiredBucket;

  constructor(bucket: DesiredBucket) {
    this.#bucket = bucket;
  }

  /** Follows the bucket until `signal`; resolves `loaded` when all that was there is known. Calls `onChange` after each. */
  async follow(signal: AbortSignal, onLoaded: () => void, onChange: () => void): Promise<void> {
    for await (const change of this.#bucket.watch(signal)) {
      if (change === null) onLoaded();
      else this.live.apply(change);
      onChange();
    }
  }

  /**
   * Sets `key` to what `next` makes of the present entry; `next` returns null to leave it. Resolves to the revision,
   * null when left. Tries again when somebody else wrote meanwhile; error `conflict` when that goes on.
   */
  async put(key: string, next: (present: DesiredEntry | undefined) => DesiredEntry | null): Promise<number | null> {
    return await this.#retry(key, async () => {
      const entry = next(this.live.get(key)?.entry);
      if (entry === null) return null;
      const revision = await this.#bucket.put(key, entry, this.live.revisionOf(key));
      this.live.apply({ key, entry, revision, problem: null });
      return revision;
    });
  }

  /** Deletes `key` if `condition` still holds of its entry. Resolves to whether it was deleted. */
  async delete(key: string, condition: (present: DesiredEntry) => boolean = () => true): Promise<boolean> {
    return await this.#retry(key, async () => {
      const present = this.live.get(key);
      if (present === undefined || !condition(present.entry)) return false;
      await this.#bucket.delete(key, present.revision);
      this.live.drop(key);
      return true;
    });
  }

  /** Deletes whatever is under `key`; where there is nothing, those who watch are told that it is gone all the same. */
  async clear(key: string): Promise<void> {
    await this.#retry(key, async () => {
      await this.#bucket.delete(key, this.live.revisionOf(key));
      this.live.drop(key);
    });
  }

  async #retry<T>(key: string, attempt: () => Promise<T>): Promise<T> {
    for (let left = ATTEMPTS; ; left--) {
      try {
        return await attempt();
      } catch (cause) {
        if (codeOf(cause) !== "conflict") throw cause;
        if (left === 0) throw new ControllerError("conflict", `${key} was written by others all the time`, { cause });
        const present = await this.#bucket.get(key);
        this.live.drop(key);
        if (present !== null) this.live.apply(present);
      }
    }
  }
}
