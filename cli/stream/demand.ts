import { randomBytes } from "node:crypto";
import { hostname, userInfo } from "node:os";
import type { OperatorBus } from "../../bus/clients/operator.ts";
import type { EventFilter } from "./filter.ts";
import { wantsOfFilter } from "./wants.ts";

/** How long the demand of a reader that died still holds, and how often one that lives says it again. */
const TTL_MS = 10_000;
const RENEW_MS = 3000;

/**
 * Asks for the events that a reader is to see, for as long as it reads: also those that no rule and no policy wants are sent
 * then. Returns how to end it. One that dies has said how long it holds without being said again.
 */
export async function holdDemand(
  bus: Pick<OperatorBus, "putDemand" | "deleteDemand">,
  filter: EventFilter,
  onProblem: (reason: string) => void,
): Promise<() => Promise<void>> {
  const id = `${hostname()}-${process.pid}-${randomBytes(4).toString("hex")}`;
  const demand = { wants: wantsOfFilter(filter, readerName(filter)), ttl: TTL_MS };
  if (Object.keys(demand.wants).length === 0) return () => Promise.resolve();
  let told = false;
  const say = async (): Promise<void> => {
    try {
      await bus.putDemand(id, demand);
      told = false;
    } catch (cause) {
      if (!told) onProblem((cause as Error).message);
      told = true;
    }
  };
  await say();
  const timer = setInterval(() => void say(), RENEW_MS);
  return async () => {
    clearInterval(timer);
    await bus.deleteDemand(id).catch(() => undefined);
  };
}

/** Who reads what: `root@web-1 reads file_open of curl`. */
function readerName({ kinds, pids, binaries, containers, nodes }: EventFilter): string {
  const parts = [
    ["of pid", pids],
    ["of binary", binaries],
    ["of container", containers],
    ["of node", nodes],
  ] as const;
  const filters = parts.flatMap(([word, values]) => (values?.length ? [`${word} ${values.join(", ")}`] : []));
  const name = `reader ${userName()}@${hostname()}: ${[kinds?.join(", ") ?? "processes", ...filters].join(" ")}`;
  return name.length > NAME_MAX ? `${name.slice(0, NAME_MAX)}…` : name;
}

const NAME_MAX = 200;

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // a container's user may have no name
    return `uid ${process.getuid?.() ?? "?"}`;
  }
}
