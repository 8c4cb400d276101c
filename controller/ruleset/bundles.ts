import { createHash } from "node:crypto";
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "../../bus/log.ts";
import type { BundleServer } from "../../bus/config/settings.ts";
import type { BuildMessage } from "../../bus/types/controller-status.ts";
import { messageOf } from "../errors.ts";
import type { BuildResult } from "./build.ts";
import { credentialsFor, type Credentials } from "./bundle-server.ts";

export interface BundleOptions {
  urls: readonly string[];
  /** What servers ask for, by name. */
  servers?: Readonly<Record<string, BundleServer>>;
  /** Milliseconds between two looks. */
  every: number;
  /** A directory of the controller's own. */
  cache: string;
  log: Logger;
  /** A bundle is another one than before. */
  onChange: () => void;
}

interface Bundle {
  url: string;
  file: string;
  etag: string | null;
  /** Of the bytes: not every server gives ETags. */
  digest: string | null;
  /** Why the last look failed, and whether there is an older one to go on with. */
  problem: string | null;
}

const TIME_LIMIT_MS = 30_000;
const FIRST_LIMIT_MS = 3000;
const BYTES_MAX = 64 * 1024 * 1024;

/**
 * OPA bundles of HTTP servers, each as a file that a build takes like a directory. Looked for now and then, with the ETag of
 * the last one, as OPA does; a server that is away takes no rules out of what is live.
 */
export class BundleSource {
  readonly #options: BundleOptions;
  readonly #bundles: Bundle[];

  constructor(options: BundleOptions) {
    this.#options = options;
    this.#bundles = options.urls.map((url) => {
      const dir = join(options.cache, "bundles", createHash("sha256").update(url).digest("hex").slice(0, 16));
      mkdirSync(dir, { recursive: true });
      return { url, file: join(dir, fileName(url)), etag: null, digest: null, problem: null };
    });
  }

  /** The files of all bundles, also of those that could not be had yet. */
  get files(): string[] {
    return this.#bundles.map(({ file }) => file);
  }

  /** What keeps a bundle from being built, undefined when nothing does or the file is no bundle of these. */
  problem(file: string): BuildMessage | undefined {
    const bundle = this.#bundles.find((it) => it.file === file);
    if (bundle === undefined || bundle.digest !== null) return undefined;
    const message = `could not be had yet: ${bundle.problem ?? "it was not looked for"}`;
    return { file: bundle.url, line: null, rule: null, message, allowed: "an OPA bundle (.tar.gz) at that URL" };
  }

  /** The result of a build, with the URLs of bundles where it names our copies. */
  named(result: BuildResult): BuildResult {
    const named = (message: BuildMessage): BuildMessage => {
      const bundle = this.#bundles.find(({ file }) => message.file?.startsWith(file) === true);
      return bundle === undefined ? message : { ...message, file: message.file!.replace(bundle.file, bundle.url) };
    };
    const warnings = result.warnings.map(named);
    return result.ok ? { ...result, warnings } : { ...result, errors: result.errors.map(named), warnings };
  }

  /** Whether a file is a bundle of these. */
  has(file: string): boolean {
    return this.files.includes(file);
  }

  /** Looks for all: what is there when it is done is in the first build. One that takes long is not waited for. */
  async first(signal: AbortSignal): Promise<void> {
    if (this.#bundles.length === 0) return;
    const limit = sleep(FIRST_LIMIT_MS, undefined, { ref: false });
    await Promise.race([this.#lookForAll(signal), limit]);
  }

  /** Looks for them until the signal. */
  async run(signal: AbortSignal): Promise<void> {
    if (this.#bundles.length === 0) return;
    while (!signal.aborted) {
      await sleep(this.#options.every, undefined, { signal }).catch(() => undefined);
      if (!signal.aborted) await this.#lookForAll(signal);
    }
  }

  async #lookForAll(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#bundles.map((bundle) => this.#look(bundle, signal)));
  }

  async #look(bundle: Bundle, signal: AbortSignal): Promise<void> {
    const { log, onChange } = this.#options;
    try {
      const credentials = credentialsFor(bundle.url, this.#options.servers ?? {});
      const limit = AbortSignal.any([signal, AbortSignal.timeout(TIME_LIMIT_MS)]);
      const bytes = await download(bundle, credentials, limit);
      if (bundle.problem !== null) log.info({ url: bundle.url }, "the bundle can be had again");
      bundle.problem = null;
      if (bytes === null) return;
      const digest = createHash("sha256").update(bytes).digest("hex");
      if (digest === bundle.digest) return;
      // In one step: a build may be reading it.
      writeFileSync(`${bundle.file}.new`, bytes);
      renameSync(`${bundle.file}.new`, bundle.file);
      bundle.digest = digest;
      log.info({ url: bundle.url, bytes: bytes.length }, "another bundle");
      onChange();
    } catch (cause) {
      if (signal.aborted) return;
      const reason = messageOf(cause);
      if (bundle.problem !== reason) log.error({ url: bundle.url }, `the bundle cannot be had: ${reason}`);
      bundle.problem = reason;
    }
  }
}

/** Null: it is what it was. To another server, where one sends us, the credentials are not given. */
async function download(
  bundle: Bundle,
  credentials: Credentials | null,
  signal: AbortSignal,
): Promise<Uint8Array | null> {
  const headers: Record<string, string> = {};
  if (bundle.etag !== null && bundle.digest !== null) headers["if-none-match"] = bundle.etag;
  if (credentials !== null) headers["authorization"] = credentials.header;
  const response = await fetch(bundle.url, { headers, signal, redirect: "follow" });
  if (response.status === 304) return null;
  if (!response.ok) throw new Error(refusal(response, credentials));
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of response.body ?? []) {
    parts.push(part as Uint8Array);
    size += (part as Uint8Array).length;
    if (size > BYTES_MAX) throw new Error(`it is larger than ${BYTES_MAX} bytes`);
  }
  bundle.etag = response.headers.get("etag");
  return Buffer.concat(parts);
}

function refusal({ status, statusText }: Response, credentials: Credentials | null): string {
  const answer = `the server answers ${status} ${statusText}`.trim();
  if (status !== 401 && status !== 403) return answer;
  return credentials === null
    ? `${answer}; no credentials are set for it (rules.bundle_servers)`
    : `${answer} to ${credentials.name}`;
}

/** A name by which its rules go: the last part of the path. */
function fileName(url: string): string {
  const name = basename(new URL(url).pathname).replace(/\.(?:tar\.gz|tgz)$/, "");
  return `${/^[\w.-]+$/.test(name) ? name : "bundle"}.tar.gz`;
}
