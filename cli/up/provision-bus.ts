import { existsSync } from "node:fs";
import type { Config } from "../../bus/config/settings.ts";
import { connect } from "../../bus/connection.ts";
import { credentialsFile } from "../../bus/credentials.ts";
import { provision } from "../../bus/provision.ts";
import type { Role } from "../../bus/roles.ts";
import { ensureSecret } from "../../bus/server/prepare.ts";
import { CliError } from "../errors.ts";
import { EXIT } from "../exit.ts";

/** Roles that `reeve up` itself and its parts connect as. */
const NEEDED: readonly Role[] = ["agent", "engine", "controller", "operator"];

/**
 * Makes the streams, buckets and consumers that are missing. On a bus of somebody else's: by the provisioner's credentials; without
 * them it is taken as it is where those of all parts are there, and tried as nobody where there are none at all.
 * @throws CliError `credentials` when the bus asks for credentials that are missing, `unreachable` when it does not answer
 */
export async function provisionBus(config: Config, own: boolean, say: (line: string) => void): Promise<void> {
  const has = (role: Role): boolean => existsSync(credentialsFile(config, role, role === "agent" ? config.node : null));
  const missing = own ? [] : NEEDED.filter((role) => !has(role));
  if (!own && !has("provisioner") && missing.length === 0) return;
  const known = own || has("provisioner");
  if (!known && missing.length < NEEDED.length) throw withoutCredentials(config, missing);
  try {
    const bus = await connect("provisioner", config, { wait: own ? 15_000 : 5_000 });
    try {
      const { updated } = await (own ? provision(bus, config, ensureSecret(config)) : provision(bus, config));
      if (updated.length > 0) say(`bus: given new bounds: ${updated.join(", ")}`);
    } finally {
      await bus.close();
    }
  } catch (cause) {
    throw own ? cause : explain(config, cause, known ? [] : [...NEEDED, "provisioner"]);
  }
}

function explain(config: Config, cause: unknown, missing: readonly Role[]): unknown {
  const { code, message } = cause as { code?: string; message: string };
  if (code === "not_connected") {
    const help = "start it, or leave --nats out: reeve up starts one of its own";
    return new CliError("unreachable", `${config.bus.url}: ${message}`, { exit: EXIT.unreachable, help, cause });
  }
  if (code === "no_responder") {
    const help = "start it with JetStream: nats-server -js";
    return new CliError(
      "unreachable",
      `the nats-server at ${config.bus.url} has no JetStream, where Reeve keeps its streams`,
      {
        ...{ exit: EXIT.unreachable, help, cause },
      },
    );
  }
  // A permission that is missing shows as a request that nobody answers.
  if (missing.length > 0 && (code === "refused" || code === "credentials" || code === "timeout"))
    return withoutCredentials(config, missing, cause);
  return cause;
}

function withoutCredentials(config: Config, missing: readonly Role[], cause?: unknown): CliError {
  const files = missing.map((role) => `${role}.json`).join(", ");
  const message = `the bus at ${config.bus.url} asks for credentials, and ${config.bus.credentials_dir} has no ${files}`;
  const help =
    "put them there, or name where they are with --bus-credentials-dir DIR; a nats-server that asks nobody needs none";
  return new CliError("credentials", message, { exit: EXIT.unreachable, help, cause });
}
