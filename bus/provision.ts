import { existsSync, readFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import type { BusConnection } from "./connection.ts";
import { api } from "./jetstream.ts";
import { BusError } from "./errors.ts";
import type { Config } from "./config/settings.ts";
import { secretFile } from "./credentials.ts";
import { ACK_WAIT, consumerConfigs, streamConfigs, MAX_DELIVER } from "./streams.ts";

export interface ProvisionReport {
  created: string[];
  updated: string[];
}

interface StreamInfo {
  config: Record<string, unknown>;
}

/**
 * Makes the streams, buckets and durable consumers that are missing and gives those that are there the configured
 * bounds. May be run again at any time. `bus` is a connection of role `provisioner`. On a server that is not ours (no
 * publish.secret in the credentials) alerts are republished openly.
 * @throws {BusError}
 */
export async function provision(
  bus: BusConnection,
  config: Config,
  secret = readSecret(config),
): Promise<ProvisionReport> {
  if (config.bus.duplicate_window < ACK_WAIT * MAX_DELIVER) {
    const least = (ACK_WAIT * MAX_DELIVER) / 1000;
    throw new BusError("invalid", `bus.duplicate_window must be at least ${least}s, or an alert could be told twice`);
  }
  const report: ProvisionReport = { created: [], updated: [] };
  for (const wanted of streamConfigs(config, secret)) await ensureStream(bus, wanted, report);
  // Consumers are made in parallel: there are some forty of them.
  await Promise.all(consumerConfigs(config).map((wanted) => ensureConsumer(bus, wanted.stream, wanted.config, report)));
  return { created: report.created.sort(), updated: report.updated.sort() };
}

function readSecret(config: Config): string | null {
  const file = secretFile(config);
  return existsSync(file) ? readFileSync(file, "utf8").trim() : null;
}

async function ensureStream(
  bus: BusConnection,
  wanted: Record<string, unknown>,
  report: ProvisionReport,
): Promise<void> {
  const name = String(wanted["name"]);
  const info = await orNull(api<StreamInfo>(bus, `STREAM.INFO.${name}`));
  if (info === null) {
    await api(bus, `STREAM.CREATE.${name}`, wanted);
    report.created.push(name);
  } else if (differs(info.config, wanted)) {
    await api(bus, `STREAM.UPDATE.${name}`, { ...info.config, ...wanted });
    report.updated.push(name);
  }
}

async function ensureConsumer(
  bus: BusConnection,
  stream: string,
  wanted: Record<string, unknown>,
  report: ProvisionReport,
): Promise<void> {
  const name = String(wanted["durable_name"]);
  const info = await orNull(api<StreamInfo>(bus, `CONSUMER.INFO.${stream}.${name}`));
  if (info !== null && !differs(info.config, wanted)) return;
  const body = { stream_name: stream, config: wanted, action: info === null ? "create" : "update" };
  await api(bus, `CONSUMER.CREATE.${stream}.${name}.${wanted["filter_subject"]}`, body);
  (info === null ? report.created : report.updated).push(`${stream}/${name}`);
}

/** Whether something that is wanted is otherwise; what the server adds does not count. */
function differs(now: Record<string, unknown>, wanted: Record<string, unknown>): boolean {
  return Object.entries(wanted).some(([key, value]) => !isDeepStrictEqual(now[key], value));
}

async function orNull<T>(call: Promise<T>): Promise<T | null> {
  try {
    return await call;
  } catch (cause) {
    if (cause instanceof BusError && cause.code === "not_found") return null;
    throw cause;
  }
}
