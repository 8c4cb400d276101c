import { createHash, randomUUID } from "node:crypto";
import type { BusConnection } from "./connection.ts";
import { getLast, getMany } from "./direct.ts";
import { BusError } from "./errors.ts";
import { contentDigest } from "./ids.ts";
import { api, store } from "./jetstream.ts";
import { objectToken } from "./object-names.ts";
import { AsyncQueue } from "./queue.ts";
import { BUCKETS, objectStream } from "./subjects.ts";
import type { ActivatedRuleSet, Activation, RuleSetInfo } from "./types/rule-set.ts";
import { parseJson, validateRuleSetInfo } from "./validate.ts";

const BUCKET = BUCKETS.rulesets;
const STREAM = objectStream(BUCKET);
const CURRENT = "current";
const CHUNK = 128 * 1024;
const POLL = 10_000;
/** So many changes of the set in force are remembered. */
const HISTORY = 100;
const BUILT: Activation = { source: "build", by: null, over: null };

/** Meta data of an object, as NATS' object store has it; ours is in `metadata`. */
interface ObjectMeta {
  name: string;
  bucket: string;
  nuid: string;
  size: number;
  chunks: number;
  mtime: string;
  digest: string;
  metadata: { digest: string; info: string; activation?: string };
}

/** A rule set that was read, checked against its digest. */
export interface LoadedRuleSet {
  digest: string;
  bytes: Uint8Array;
  info: RuleSetInfo;
}

/**
 * The rule sets in the object store (readable with `nats object` too): one object per set, named by its digest, and
 * `current`, which shares the chunks of the one that is in force.
 */
export class RuleSets {
  readonly #bus: BusConnection;

  constructor(bus: BusConnection) {
    this.#bus = bus;
  }

  /** Stores a set under its digest; a set that is there already is left alone. @throws {BusError} `invalid`: bytes and digest do not fit */
  async put(bytes: Uint8Array, info: RuleSetInfo): Promise<void> {
    validateRuleSetInfo(info);
    if (contentDigest(bytes) !== info.digest) {
      throw new BusError("invalid", `the bytes are ${contentDigest(bytes)}, the info says ${info.digest}`);
    }
    if ((await this.#meta(info.digest)) !== null) return;
    const nuid = randomUUID().replaceAll("-", "");
    const chunks = Math.ceil(bytes.length / CHUNK);
    for (let i = 0; i < chunks; i++) {
      await store(this.#bus, `$O.${BUCKET}.C.${nuid}`, bytes.subarray(i * CHUNK, (i + 1) * CHUNK));
    }
    const hash = createHash("sha256").update(bytes).digest("base64").replaceAll("+", "-").replaceAll("/", "_");
    await this.#putMeta(info.digest, {
      bucket: BUCKET,
      nuid,
      size: bytes.length,
      chunks,
      mtime: new Date().toISOString(),
      digest: `SHA-256=${hash}`,
      metadata: { digest: info.digest, info: JSON.stringify(info) },
    });
  }

  /** Puts a stored set in force: engines load it. Only the controller may. @throws {BusError} `not_found` */
  async activate(digest: string, activation: Activation = BUILT): Promise<void> {
    const meta = await this.#meta(digest);
    if (meta === null) throw new BusError("not_found", `there is no rule set ${digest}`);
    const metadata = { ...meta.metadata, activation: JSON.stringify(activation) };
    await this.#putMeta(CURRENT, { ...meta, metadata, mtime: new Date().toISOString() });
    await api(this.#bus, `STREAM.PURGE.${STREAM}`, { filter: metaSubject(CURRENT), keep: HISTORY });
  }

  /** The set in force; null when there is none. */
  async current(): Promise<ActivatedRuleSet | null> {
    const meta = await this.#meta(CURRENT);
    return meta === null ? null : activatedOf(meta);
  }

  /** The sets that were in force, the newest first: the first one is it now. */
  async history(): Promise<ActivatedRuleSet[]> {
    const found: ActivatedRuleSet[] = [];
    for (let seq = 1, more = true; more;) {
      const got = await getMany(this.#bus, STREAM, { seq, next_by_subj: metaSubject(CURRENT), batch: 64 });
      found.push(...got.messages.map((msg) => activatedOf(parseJson(msg.data, "object") as ObjectMeta)));
      seq = (got.messages.at(-1)?.seq ?? 0) + 1;
      more = got.more && got.messages.length > 0;
    }
    return found.reverse();
  }

  /** All stored sets, oldest first. */
  async list(): Promise<RuleSetInfo[]> {
    const { messages } = await getMany(this.#bus, STREAM, { multi_last: [`$O.${BUCKET}.M.*`] });
    const metas = messages.map((msg) => parseJson(msg.data, "object") as ObjectMeta);
    return metas.filter((meta) => meta.name !== CURRENT).map((meta) => infoOf(meta));
  }

  /** A stored set, or `current`. @throws {BusError} `not_found`, `corrupt` */
  async get(digest: string): Promise<LoadedRuleSet> {
    const meta = await this.#meta(digest);
    if (meta === null) throw new BusError("not_found", `there is no rule set ${digest}`);
    return this.#load(meta);
  }

  /** Forgets a set that is not in force. Only the controller may. */
  async delete(digest: string): Promise<void> {
    const meta = await this.#meta(digest);
    if (meta === null) return;
    const current = await this.#meta(CURRENT);
    if (current?.nuid === meta.nuid) throw new BusError("invalid", `rule set ${digest} is in force`);
    await api(this.#bus, `STREAM.PURGE.${STREAM}`, { filter: metaSubject(digest) });
    await api(this.#bus, `STREAM.PURGE.${STREAM}`, { filter: `$O.${BUCKET}.C.${meta.nuid}` });
  }

  /**
   * The set in force and each one that follows. Told by the stream, looked up again after each reconnect and every ten
   * seconds; one that cannot be read is tried again.
   */
  watch(): AsyncQueue<LoadedRuleSet> {
    let digest: string | null = null;
    let busy = false;
    let again = false;
    const look = async (): Promise<void> => {
      again = busy;
      if (busy || !this.#bus.connected || queue.ended) return;
      busy = true;
      try {
        const meta = await this.#meta(CURRENT);
        if (meta !== null && meta.metadata.digest !== digest) {
          queue.push(await this.#load(meta));
          digest = meta.metadata.digest;
        }
      } catch {
        // Looked up again by the timer.
      }
      busy = false;
      if (again) void look();
    };
    const timer = setInterval(() => void look(), POLL);
    const stop = this.#bus.subscribe(`reeve.rulesets.${CURRENT}`, () => void look());
    const off = this.#bus.onStatus((status) => {
      if (status.type === "connected") void look();
      if (status.type === "closed") queue.close();
    });
    const queue = new AsyncQueue<LoadedRuleSet>({
      onEnd: () => {
        clearInterval(timer);
        stop();
        off();
      },
    });
    void look();
    return queue;
  }

  async #load(meta: ObjectMeta): Promise<LoadedRuleSet> {
    const parts: Uint8Array[] = [];
    for (let seq = 1, more = true; more;) {
      const query = { seq, next_by_subj: `$O.${BUCKET}.C.${meta.nuid}`, batch: 32 };
      const got = await getMany(this.#bus, STREAM, query);
      parts.push(...got.messages.map((msg) => msg.data));
      seq = (got.messages.at(-1)?.seq ?? 0) + 1;
      more = got.more && got.messages.length > 0;
    }
    const bytes = Buffer.concat(parts);
    const { digest } = meta.metadata;
    if (contentDigest(bytes) !== digest) {
      throw new BusError("corrupt", `the stored bytes of rule set ${digest} are not what the digest says`);
    }
    return { digest, bytes, info: infoOf(meta) };
  }

  async #meta(name: string): Promise<ObjectMeta | null> {
    const msg = await getLast(this.#bus, STREAM, metaSubject(name));
    if (msg === null || msg.data.length === 0) return null;
    const meta = parseJson(msg.data, "object") as ObjectMeta;
    return typeof meta.metadata?.digest === "string" ? meta : null;
  }

  async #putMeta(name: string, meta: Omit<ObjectMeta, "name">): Promise<void> {
    await store(this.#bus, metaSubject(name), JSON.stringify({ ...meta, name }));
  }
}

function metaSubject(name: string): string {
  return `$O.${BUCKET}.M.${objectToken(name)}`;
}

function activatedOf(meta: ObjectMeta): ActivatedRuleSet {
  const { activation } = meta.metadata;
  const read = activation === undefined ? BUILT : (parseJson(activation, "activation") as Activation);
  return { ...infoOf(meta), activated_at: meta.mtime, activation: read };
}

function infoOf(meta: ObjectMeta): RuleSetInfo {
  return validateRuleSetInfo(parseJson(meta.metadata.info, "rule set info"));
}
