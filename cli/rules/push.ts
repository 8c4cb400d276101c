import { hostname, userInfo } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import type { OperatorBus } from "../../bus/clients/operator.ts";
import type { RuleSetInfo } from "../../bus/types/rule-set.ts";
import { buildRuleSet } from "../../rules/cli-api.ts";
import { CliError } from "../errors.ts";
import { EXIT } from "../exit.ts";
import { loadForOperator } from "../find-bus.ts";
import { askController, connectOperator } from "../operator.ts";
import { document } from "../output/format.ts";
import { note, printLine } from "../output/print.ts";
import { safe } from "../output/safe.ts";
import { rulesOptions, sayProblems } from "../rules-verbs.ts";
import type { RulesFlags } from "../verbs/rules.ts";

interface EngineState {
  name: string;
  digest: string | null;
  refused: { digest: string; reason: string } | null;
}

const LOADED_LIMIT_MS = 20_000;
const LOOK_MS = 200;

/**
 * Builds what is in the directories, stores the set, puts it in force and waits until every engine has it. One that does
 * not check is not stored; one that an engine cannot take is taken back.
 * @throws RuleErrors with all that is wrong with the rules
 */
export async function pushRules(dirs: readonly string[], flags: RulesFlags): Promise<number> {
  const { config } = loadForOperator({ ...flags });
  const { bytes, info, warnings } = await buildRuleSet(rulesOptions(config, flags, dirs));
  if (flags.output === "text") sayProblems([], warnings);
  const bus = await connectOperator(config);
  try {
    const before = (await bus.ruleSets.current())?.digest ?? null;
    await bus.ruleSets.put(bytes, info);
    await putInForce(bus, info, "push", before, flags);
    return EXIT.ok;
  } finally {
    await bus.close();
  }
}

/** Puts a stored set in force and says which engines have it. @throws CliError `failed` when one cannot take it */
export async function putInForce(
  bus: OperatorBus,
  info: RuleSetInfo,
  source: "push" | "rollback",
  before: string | null,
  flags: { output: "text" | "json" },
): Promise<void> {
  const { digest } = info;
  const by = `${userInfo().username}@${hostname()}`;
  await askController(bus, "rules.push", { digest, source, by });
  const engines = await loadedBy(bus, digest);
  const refusal = engines.find(({ refused }) => refused?.digest === digest);
  if (refusal !== undefined) {
    if (before !== null && before !== digest) await askController(bus, "rules.push", { digest: before, source, by });
    const then = before === null ? "there was none before it" : `${before} is in force again`;
    const why = `engine ${refusal.name} cannot take ${digest}: ${refusal.refused!.reason}; ${then}`;
    throw new CliError("failed", why, { exit: EXIT.failed });
  }
  const have = engines
    .filter((engine) => engine.digest === digest)
    .map(({ name }) => name)
    .sort();
  const late = engines.filter((engine) => engine.digest !== digest).map(({ name }) => name);
  if (flags.output === "json") await printLine(document({ ...info, replaced: before, engines: have, late }, "json"));
  else {
    await printLine(`${digest}: ${info.rules} rules, ${info.policies} policies, in force on ${names(have)}`);
    if (late.length > 0) note(`not yet: ${names(late)} (reeve rules history, reeve status)`);
  }
}

/** The engines that are there, once each has the set or has refused it, or the time is over. */
async function loadedBy(bus: OperatorBus, digest: string): Promise<EngineState[]> {
  for (const end = Date.now() + LOADED_LIMIT_MS; ;) {
    const { engines } = await askController<{ engines: EngineState[] }>(bus, "rules.status");
    const settled = engines.every((engine) => engine.digest === digest || engine.refused?.digest === digest);
    if (settled || Date.now() > end) return engines;
    await sleep(LOOK_MS);
  }
}

function names(engines: readonly string[]): string {
  return engines.length === 0 ? "no engine (none runs)" : engines.map(safe).join(", ");
}
