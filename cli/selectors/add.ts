import { userInfo } from "node:os";
import { loadForOperator } from "../find-bus.ts";
import { askController, connectOperator } from "../operator.ts";
import { document } from "../output/format.ts";
import { printLine } from "../output/print.ts";
import { readSelectors } from "./read-file.ts";

interface Added {
  key: string;
  node: string | null;
  id: string;
  selectors: string[];
  ttl: number | "none";
}

export async function addSelectors(
  file: string,
  flags: { output: "text" | "json"; ttl?: string; force?: boolean; reason?: string },
): Promise<void> {
  const selectors = readSelectors(file);
  const bus = await connectOperator(loadForOperator({ ...flags }).config);
  try {
    const body = {
      selectors,
      person: process.env["SUDO_USER"] ?? userInfo().username,
      ...(flags.ttl === undefined ? {} : { ttl: flags.ttl }),
      ...(flags.force ? { force: true } : {}),
      ...(flags.reason === undefined ? {} : { reason: flags.reason }),
    };
    const reply = await askController<{ added: Added[] }>(bus, "selectors.add", body);
    if (flags.output === "json") return await printLine(document(reply, "json"));
    for (const entry of reply.added) {
      await printLine(`added ${entry.selectors.join(", ")} on ${entry.node ?? "all nodes"}`);
    }
  } finally {
    await bus.close();
  }
}
