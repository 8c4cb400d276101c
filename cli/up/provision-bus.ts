import { existsSync } from "node:fs";
import type { Config } from "../../bus/config/settings.ts";
import { connect } from "../../bus/connection.ts";
import { credentialsFile } from "../../bus/credentials.ts";
import { provision } from "../../bus/provision.ts";
import { ensureSecret } from "../../bus/server/prepare.ts";

/**
 * Makes the streams, buckets and consumers that are missing. A bus of somebody else's, for which this host has no credentials
 * of the provisioner, is taken as it is.
 */
export async function provisionBus(config: Config, own: boolean, say: (line: string) => void): Promise<void> {
  if (!own && !existsSync(credentialsFile(config, "provisioner", null))) return;
  const bus = await connect("provisioner", config, { wait: 15_000 });
  try {
    const { updated } = await provision(bus, config, ensureSecret(config));
    if (updated.length > 0) say(`bus: given new bounds: ${updated.join(", ")}`);
  } finally {
    await bus.close();
  }
}
