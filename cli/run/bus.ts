import { shareBus } from "../../bus/server/share.ts";
import { loadFor } from "../load.ts";
import type { Flags } from "../load.ts";
import { note } from "../output/print.ts";
import { provisionBus } from "../up/provision-bus.ts";

/** `reeve run prepare`: what the containers of docker-compose.yml need of the bus before it runs. */
export function prepareBus(flags: Flags & { share: string; hostDir: string; hostUrl: string }): void {
  const { config } = loadFor(flags);
  const users = shareBus({ config, dir: flags.share, hostDir: flags.hostDir, hostUrl: flags.hostUrl });
  note(
    `reeve: credentials for ${users.map(({ user }) => user.name ?? user.role).join(", ")}; the bus is at ${flags.hostUrl}`,
  );
}

/** `reeve run provision`: the streams, buckets and consumers that are missing. */
export async function provisionOnce(flags: Flags): Promise<void> {
  const { config } = loadFor(flags);
  await provisionBus(config, true, (line) => note(`reeve: ${line}`));
  note("reeve: the streams are there");
}
