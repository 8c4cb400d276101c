import { Command } from "commander";
import { withConfigFlags } from "../config-options.ts";
import { outputOption } from "../output/format.ts";
import { verb } from "./verb.ts";

interface AddFlags {
  output: "text" | "json";
  ttl?: string;
  force?: boolean;
  reason?: string;
}

export function selectorsVerb(): Command {
  const group = new Command("selectors").description(
    "Put selectors into the kernel by hand, list them, take them out.",
  );
  return group.addCommand(addVerb()).addCommand(listVerb()).addCommand(deleteVerb());
}

function addVerb(): Command {
  const command = verb("add <file>", "Add selectors from a YAML or JSON file, or - for standard input.", [
    "reeve selectors add deny-tmp.yaml --ttl 10m",
    `echo '{hook: process_exec, action: deny, match: [{field: process.binary, op: in, values: [/tmp/x]}]}' | reeve selectors add -`,
  ])
    .addOption(outputOption("text", "json"))
    .option("--ttl <duration>", "how long they live: 10m, 1h; or none (default: none)")
    .option("--reason <text>", "shown by reeve why")
    .option("--force", "also what could lock people out of this host");
  return withConfigFlags(command).action(async (file: string, flags: AddFlags) => {
    const { addSelectors } = await import("../selectors/add.ts");
    await addSelectors(file, flags);
  });
}

function listVerb(): Command {
  const command = verb("list", "List the selectors in force, of policies, decisions and people.", [
    "reeve selectors list",
    "reeve selectors list -o yaml",
  ]).addOption(outputOption("table", "json", "yaml"));
  return withConfigFlags(command).action(async (flags: { output: "table" | "json" | "yaml" }) => {
    const { listSelectors } = await import("../selectors/list.ts");
    await listSelectors(flags);
  });
}

function deleteVerb(): Command {
  const command = verb("delete <id>", "Take a selector, or an entry with all of its selectors, out.", [
    "reeve selectors delete deny-tmp-exec",
    "reeve selectors delete contain-0123456789abcdef --node web-1",
  ])
    .addOption(outputOption("text", "json"))
    .option("--node <name>", "only on this node");
  return withConfigFlags(command).action(async (id: string, flags: { output: "text" | "json"; node?: string }) => {
    const { deleteSelectors } = await import("../selectors/delete.ts");
    await deleteSelectors(id, flags);
  });
}
