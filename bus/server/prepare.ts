import {
  accessSync,
  chmodSync,
  chownSync,
  constants,
  existsSync,
  lchownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
} from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Config } from "../config/settings.ts";
import { busFile, secretFile } from "../credentials.ts";
import { BusError } from "../errors.ts";
import { renderConf } from "./conf.ts";
import { ensureCredentials, newSecret, writePrivate, type Owner } from "./keys.ts";
import { choosePort, reachedAt } from "./ports.ts";

export interface PrepareOptions {
  /** Port wanted first; one that is taken gives way to another. Default: that of the last start, then `bus.port`. */
  port?: number;
  /** Where streams are kept. Default: `<data_dir>/nats`. */
  dataDir?: string;
  config: Config;
  /** Who nats-server, engine and controller run as. Default: `user.uid` and `user.gid` for root, else whoever runs this. */
  uid?: number;
  gid?: number;
}

/** A nats-server that only has to be started: `command`, as `owner`. */
export interface PreparedServer {
  url: string;
  port: number;
  /** True when the port that was wanted is taken and another one was chosen. */
  moved: boolean;
  command: string[];
  configFile: string;
  /** Null: as whoever runs this. */
  owner: Owner | null;
}

/**
 * Writes credentials (0600, owned by who needs them), nats.conf and bus.json, and makes the data directory. Starts
 * nothing. May be called again at any time: credentials, data and, when it is free, the port stay what they were.
 * @throws {BusError} `start`, `credentials`
 */
export async function prepareServer(options: PrepareOptions): Promise<PreparedServer> {
  try {
    return await prepare(options);
  } catch (cause) {
    if (cause instanceof BusError) throw cause;
    throw new BusError("start", `nats-server cannot be prepared: ${(cause as Error).message}`, { cause });
  }
}

async function prepare(options: PrepareOptions): Promise<PreparedServer> {
  const { config } = options;
  const owner = ownerOf(options);
  const dataDir = options.dataDir ?? join(config.data_dir, "nats");
  mkdirSync(config.run_dir, { recursive: true });
  mkdirSync(dataDir, { recursive: true });
  chmodSync(dataDir, 0o700);
  if (owner !== null) chownAll(dataDir, owner);
  const wanted = options.port ?? config.bus.port;
  const port = await choosePort(options.port === undefined ? [lastPort(config), wanted] : [wanted]);
  const conf = renderConf({
    host: config.bus.host,
    port,
    monitorPort: config.bus.monitor_port,
    storeDir: dataDir,
    users: ensureCredentials(config, owner),
    secret: ensureSecret(config),
  });
  const configFile = join(config.run_dir, "nats.conf");
  writePrivate(configFile, conf, owner);
  const url = `nats://${reachedAt(config.bus.host)}:${port}`;
  writePrivate(busFile(config), `${JSON.stringify({ url })}\n`, null, 0o644);
  const moved = wanted > 0 && port !== wanted;
  return { url, port, moved, command: [findServer(), "-c", configFile], configFile, owner };
}

/** The token under which alerts are republished; only the server and the provisioner know it. */
export function ensureSecret(config: Config): string {
  const file = secretFile(config);
  if (!existsSync(file)) writePrivate(file, `${newSecret()}\n`, null);
  return readFileSync(file, "utf8").trim();
}

/** nats-server of the clone (`.reeve/bin`) or of PATH. @throws {BusError} `start` */
export function findServer(env: NodeJS.ProcessEnv = process.env): string {
  const own = fileURLToPath(new URL("../../.reeve/bin", import.meta.url));
  for (const dir of [own, ...(env["PATH"] ?? "").split(delimiter)]) {
    const file = join(dir, "nats-server");
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      // Looked for elsewhere.
    }
  }
  throw new BusError("start", "nats-server is neither in .reeve/bin nor on PATH; run: npm run setup");
}

function ownerOf(options: PrepareOptions): Owner | null {
  if (process.getuid?.() !== 0) return null;
  const uid = options.uid ?? options.config.user.uid;
  return uid === 0 ? null : { uid, gid: options.gid ?? options.config.user.gid };
}

function lastPort(config: Config): number {
  try {
    const { url } = JSON.parse(readFileSync(busFile(config), "utf8")) as { url: string };
    return Number(new URL(url).port);
  } catch {
    return 0;
  }
}

export function chownAll(dir: string, owner: Owner): void {
  chownSync(dir, owner.uid, owner.gid);
  for (const entry of readdirSync(dir, { withFileTypes: true, recursive: true })) {
    lchownSync(join(entry.parentPath, entry.name), owner.uid, owner.gid);
  }
}
