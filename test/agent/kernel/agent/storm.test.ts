import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { Ajv } from "ajv";
import { afterAll, beforeAll, expect, test } from "vitest";
import { many, patience } from "../../../pace.ts";
import { type RunningAgent, until, World } from "./harness.ts";

const EXECS = many(5000, 400);
const SCHEMA = new URL("../../../../bus/generated/events.schema.json", import.meta.url);

let world: World;
let agent: RunningAgent;
beforeAll(async () => {
  world = await World.start();
  agent = await world.agent();
});
afterAll(() => world.stop());

/** Two shells at once, each as fast as it can; `$!` and wait give the truth: every pid. */
const SCRIPT = `
run() { for ((i = 0; i < ${EXECS / 2}; i++)); do /bin/true storm $1 $i & echo $!; wait $!; done }
run a & run b & wait
`;

test(
  `${EXECS} short-lived processes: every exec and exit exactly once, none lost`,
  { timeout: patience(120_000) },
  async () => {
    const { stdout, status } = spawnSync("bash", ["-c", SCRIPT], { encoding: "utf8", maxBuffer: 1e8 });
    expect(status).toBe(0);
    const pids = stdout.trim().split("\n").map(Number);
    expect(pids).toHaveLength(EXECS);
    const ours = async (kind: "process_exec" | "process_exit") =>
      (await world.events(kind)).filter((event) => event.process.arguments.startsWith("storm "));
    await until(async () => (await ours("process_exit")).length >= EXECS, 30_000);
    const execs = await ours("process_exec");
    const exits = await ours("process_exit");
    const sorted = (numbers: number[]) => numbers.sort((a, b) => a - b);
    expect(sorted(execs.map((event) => event.process.pid))).toEqual(sorted([...pids]));
    expect(sorted(exits.map((event) => event.process.pid))).toEqual(sorted([...pids]));
    expect(new Set(execs.map((event) => event.process.exec_id)).size).toBe(EXECS);
    expect(new Set(execs.map((event) => event.process.arguments)).size).toBe(EXECS);
    expect(execs.every((event) => event.parent?.binary.endsWith("/bash") === true)).toBe(true);
    const status2 = (await world.status())!;
    expect(status2.losses).toEqual({});
    expect(status2.counters["records_malformed"]).toBe(0);
  },
);

test("every event is as its schema says", async () => {
  const events = await world.events("process_exec", "process_exit", "denial", "gap");
  expect(events.length).toBeGreaterThan(0);
  const schema = JSON.parse(readFileSync(SCHEMA, "utf8")) as object;
  const validate = new Ajv({ strict: false, validateFormats: false }).compile(schema);
  expect(events.filter((event) => !validate(event)).slice(0, 1)).toEqual([]);
  await agent.stop();
});
