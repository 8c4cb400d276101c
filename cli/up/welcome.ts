import { join } from "node:path";
import type { Config } from "../../bus/config/settings.ts";
import { commandName } from "../command-name.ts";
import type { Paint } from "../output/paint.ts";
import { safe } from "../output/safe.ts";
import type { StatusView } from "../status/view.ts";

/**
 * The lines that `reeve up` opens with: where the bus is, what is attached at which rung, what is loaded, what to try.
 * @param command what people type for `reeve`
 */
export function welcome(status: StatusView, config: Config, paint: Paint, command = commandName()): string[] {
  const node = status.nodes.find((it) => it.node === config.node);
  const asked = (node?.hooks ?? []).filter((hook) => hook.idle !== true);
  const hooks = asked.map((hook) =>
    hook.attached
      ? `${hook.hook} at ${hook.rung}${hook.can_deny ? " (can deny)" : ""}`
      : paint("red", `${hook.hook} missing${hook.detail ? `: ${safe(hook.detail)}` : ""}`),
  );
  const rows: [string, string][] = [
    ["node", safe(config.node)],
    ["bus", `${status.bus.url}   (alerts without credentials: nats sub 'reeve.alerts.>' -s ${status.bus.url})`],
    ["kernel", hooks.join(", ") || paint("yellow", "the agent has not said yet what is attached")],
    ["rules", rulesText(status, paint)],
    [
      "mode",
      config.enforce ? "enforce: policies deny and kill" : "monitor: policies only say what they would do (--enforce)",
    ],
    ["try", "cp /bin/true /tmp/x && /tmp/x"],
    ["more", moreText(command, config)],
  ];
  return [paint("bold", "reeve is running"), ...rows.map(([name, text]) => `  ${name.padEnd(7)} ${text}`), ""];
}

/** What to run next: with the flags that it takes to mean this Reeve, once. */
function moreText(command: string, config: Config): string {
  const instance = config.instance === "default" ? "" : ` --instance ${config.instance}`;
  const flags = `${instance}${config.bus.url === "" ? "" : ` --nats ${config.bus.url}`}`;
  const usual = config.bus.credentials_dir === join(config.run_dir, "credentials");
  const before = usual ? "" : `REEVE_BUS_CREDENTIALS_DIR=${config.bus.credentials_dir} `;
  const verbs = ["status", "events", "why ID", "disarm"];
  if (before === "" && flags === "") return verbs.map((verb) => `${command} ${verb}`).join(", ");
  return `${before}${command} status${flags}; in the same way: ${verbs.slice(1).join(", ")}`;
}

function rulesText(status: StatusView, paint: Paint): string {
  const all = status.engines[0]?.rules ?? [];
  const rules = all.filter((rule) => rule.kind === "rule");
  const policies = all.filter((rule) => rule.kind === "policy");
  const broken = status.controller?.ruleset.errors ?? [];
  const problems = broken.map((it) => `${it.file ?? "?"}${it.line === null ? "" : `:${it.line}`}: ${it.message}`);
  const disabled = all.filter((rule) => rule.state === "disabled").length;
  const names = (list: typeof all): string => list.map((rule) => safe(rule.id)).join(", ");
  const policiesText = policies.length > 0 ? `; policies: ${names(policies)}` : "";
  const loaded =
    all.length === 0 ? paint("yellow", "none loaded yet") : `${rules.length}: ${names(rules)}${policiesText}`;
  const less = disabled > 0 ? paint("red", `, ${disabled} disabled`) : "";
  return `${loaded}${less}${problems.map((problem) => paint("red", `\n          ${safe(problem)}`)).join("")}`;
}
