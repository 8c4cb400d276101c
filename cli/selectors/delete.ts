import { loadForOperator } from "../find-bus.ts";
import { askController, connectOperator } from "../operator.ts";
import { document } from "../output/format.ts";
import { printLine } from "../output/print.ts";

export async function deleteSelectors(id: string, flags: { output: "text" | "json"; node?: string }): Promise<void> {
  const bus = await connectOperator(loadForOperator({ ...flags, node: undefined }).config);
  try {
    const body = flags.node === undefined ? { id } : { id, node: flags.node };
    const reply = await askController<{ deleted: string[] }>(bus, "selectors.delete", body);
    if (flags.output === "json") await printLine(document(reply, "json"));
    else for (const key of reply.deleted) await printLine(`deleted ${key}`);
  } finally {
    await bus.close();
  }
}
