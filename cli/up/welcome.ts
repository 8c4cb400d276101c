import { join } from "node:path";
import type { Config } from "../../bus/config/settings.ts";
import type { NodeStatus } from "../../bus/types/status.ts";
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
  const rows: [string, string][] = [
    ["node", safe(config.node)],
    ["bus", `${status.bus.url}   (alerts without credentials: nats sub 'reeve.alerts.>' -s ${status.bus.url})`],
    ["kernel", kernelText(node?.hooks ?? [], paint)],
    ["rules", rulesText(status, paint)],
    ["mode", node?.state === "disarmed" ? paint("red", "disarmed: nothing is enforced (reeve arm)") : modeText(config)],
    ["try", "cp /bin/true /tmp/x && /tmp/x"],
    ["more", moreText(command, config)],
  ];
  return [paint("bold", "reeve is running"), ...rows.map(([name, text]) => `  ${name.padEnd(7)} ${text}`), ""];
}

/** What is attached, what could not be, and how many hooks wait until somebody asks for them. */
function kernelText(hooks: NodeStatus["hooks"], paint: Paint): string {
  const idle = hooks.filter((hook) => hook.idle).length;
  const words = hooks
    .filter((hook) => !hook.idle)
    .map((hook) =>
      hook.attached
        ? `${hook.hook} at ${hook.rung}${hook.can_deny ? " (can deny)" : ""}`
        : paint("red", `${hook.hook} missing${hook.detail ? `: ${safe(hook.detail)}` : ""}`),
    );
  if (words.length === 0) return paint("yellow", "the agent has not said yet what is attached");
  return [...words, ...(idle > 0 ? [`${idle} more when they are asked for`] : [])].join(", ");
}

function modeText(config: Config): string {
  return config.enforce
    ? "enforce: policies deny and kill"
    : "monitor: policies only say what they would do (--enforce)";
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
