import { performance } from "node:perf_hooks";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { ProcessExecEvent } from "../../bus/generated/events.ts";
import { summaryLine } from "../../setup/tally.ts";
import { AlertReader, operator } from "./alerts.ts";
import { checkAlerts, checkEnforcement, savedRule } from "./checks/attacks.ts";
import { checkContainers, type Check } from "./checks/containers.ts";
import { checkEngines } from "./checks/engines.ts";
import { checkLeftovers } from "./checks/leftovers.ts";
import { checkRestarts } from "./checks/restarts.ts";
import { checkServices } from "./checks/services.ts";
import { makeBaseImages } from "./engine/base-images.ts";
import { findEngine, type Engine } from "./engine/engine.ts";
import { Load } from "./load.ts";
import { PROJECT, World } from "./world.ts";

// `npm run test:compose [PART...]`: docker-compose.yml with a real Docker engine: one that answers, else one of its own.
// An engine of its own keeps its packages and images in /var/cache/reeve-test-compose (or REEVE_TEST_CACHE): the first run
// takes some five minutes, later ones build only what changed. The directory may be removed at any time.
// Parts: services, alerts, saved, engines, restarts, enforcement, containers; without, all of them.
const repo = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const begin = performance.now();
const parts = process.argv.slice(2);
const tally = { passed: 0, failed: 0, skipped: 0 };
const say = (line: string): void => console.log(`     ${line}`);

const check: Check = async (name, body) => {
  const start = performance.now();
  try {
    await body();
    tally.passed++;
    console.log(`ok   ${name} (${seconds(start)})`);
  } catch (error) {
    tally.failed++;
    console.log(`FAIL ${name} (${seconds(start)}): ${(error as Error).message}`);
  }
};

const wants = (part: string): boolean => parts.length === 0 || parts.includes(part);
const undo: (() => unknown)[] = [];
let ending: Promise<void> | undefined;

/** In reverse order, once, whatever fails. */
function end(): Promise<void> {
  ending ??= (async () => {
    for (const step of undo.reverse()) {
      try {
        await step();
      } catch (error) {
        tally.failed++;
        console.log(`FAIL cleaning up: ${(error as Error).message}`);
      }
    }
  })();
  return ending;
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => void end().then(() => process.exit(130)));
}

try {
  const engine = await findEngine(say);
  undo.push(() => engine.stop());
  await runAll(engine);
} catch (error) {
  tally.failed++;
  console.log(`FAIL ${(error as Error).stack}`);
} finally {
  await end();
}
console.log(`all of it took ${seconds(begin)}`);
console.log(summaryLine(tally));
process.exitCode = tally.failed === 0 ? 0 : 1;

async function runAll(engine: Engine): Promise<void> {
  if (engine.own) await makeBaseImages(engine, repo, say);
  if (wants("containers")) await checkContainers(engine, check, say);
  const world = await World.make(engine, repo);
  undo.push(() => world.remove());
  if ((await world.containers()).length > 0)
    throw new Error(`compose project ${PROJECT} is there already: end it first`);
  const building = performance.now();
  await world.compose(["build"]);
  say(`the images were built in ${seconds(building)}`);
  for (const name of ["reeve-agent", "reeve-rules", "reeve-controller", "reeve-cli"]) {
    const { stdout } = await world.docker(["image", "inspect", "--format", "{{.Size}}", name]);
    say(`size of ${name}: ${(Number(stdout) / 1e6).toFixed(0)} MB`);
  }
  undo.push(() => world.compose(["down", "-v", "--timeout", "5"]));
  const alerts = await start(world);
  undo.push(() => alerts.close());
  const bus = await operator(world);
  undo.push(() => bus.close());

  await checkServices(world, check);
  if (wants("alerts")) await checkAlerts(world, alerts, check);
  if (wants("saved")) {
    await check("a saved Rego file is live within 2 s", async () => {
      // Each save is a build: of three, on a machine that others keep busy, one is not held up.
      const took: number[] = [];
      while (took.length < 3 && !took.some((ms) => ms <= 2000)) {
        took.push(await savedRule(world, alerts, `saved-${took.length}`));
      }
      say(`from the save to the first program that it found: ${took.join(", ")} ms`);
      if (!took.some((ms) => ms <= 2000)) throw new Error(`${took.join(", ")} ms`);
    });
  }
  if (wants("engines")) await checkEngines(world, bus, recorded(alerts), check, say);
  if (wants("restarts")) await checkRestarts(world, bus, check, say);
  if (wants("enforcement")) await checkEnforcement(world, check);
  await checkLeftovers(world, check);
}

/** `up`, and how long it takes until there can be an alert: programs are run from /tmp all the while. */
async function start(world: World): Promise<AlertReader> {
  const from = performance.now();
  const up = world.compose(["up", "-d", "--no-build"]);
  const load = new Load();
  try {
    const opened = AlertReader.open(world);
    load.start(100);
    const [alerts] = await Promise.all([opened, up]);
    const first = await alerts.find("the first program", ({ message }) => message.startsWith(load.dir), 60_000);
    say(
      `from up to the first alert: ${seconds(from)}; what it tells of was run after ${((Date.parse(first.event.time) - (performance.timeOrigin + from)) / 1000).toFixed(1)} s`,
    );
    return alerts;
  } finally {
    await load.stop();
    load.remove();
  }
}

/** An event as the agent published it: the cause of the first alert. */
function recorded(alerts: AlertReader): ProcessExecEvent {
  const event = alerts.seen.find(({ rule }) => rule === "exec-from-tmp")?.event;
  if (event?.kind !== "process_exec") throw new Error("no event was recorded");
  return event;
}

function seconds(since: number): string {
  return `${((performance.now() - since) / 1000).toFixed(1)} s`;
}
