import { spawnSync } from "node:child_process";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { until, World } from "./harness.ts";

let world: World;
let port: number;
beforeAll(async () => {
  world = await World.start();
  port = await freePort();
  await world.agent({ agent: { ...world.config.agent, metrics_port: port } });
});
afterAll(() => world.stop());

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((ready) => server.once("listening", ready));
  const found = (server.address() as AddressInfo).port;
  await new Promise((closed) => server.close(closed));
  return found;
}

const get = (path: string): Promise<Response> => fetch(`http://127.0.0.1:${port}${path}`);

/** The value of a line like `name{what="x"} 5`. */
async function figure(line: string): Promise<number> {
  const text = await (await get("/metrics")).text();
  const found = text.split("\n").find((one) => one.startsWith(`${line} `));
  return found === undefined ? Number.NaN : Number(found.slice(line.length + 1));
}

test("Prometheus gets the agent's figures, and they move", async () => {
  const response = await get("/metrics");
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toMatch(/^text\/plain; version=/);
  const text = await response.text();
  expect(text).toMatch(/^# TYPE reeve_agent_total counter$/m);
  expect(text).toMatch(/^# TYPE reeve_agent_now gauge$/m);
  // Nothing else: each line is a comment or a figure.
  for (const line of text.split("\n").filter(Boolean))
    expect(line).toMatch(/^(# (HELP|TYPE) |[a-z\d_]+(\{.*\})? [-+\d.e]+$)/);

  const execs = await figure('reeve_agent_total{what="records_exec"}');
  const stored = await figure('reeve_agent_total{what="events_stored"}');
  expect(execs).toBeGreaterThanOrEqual(0);
  for (let i = 0; i < 20; i++) spawnSync("/bin/true");
  await until(async () => (await figure('reeve_agent_total{what="records_exec"}')) >= execs + 20);
  await until(async () => (await figure('reeve_agent_total{what="events_stored"}')) >= stored + 40);
  expect(await figure('reeve_agent_now{what="processes_living"}')).toBeGreaterThan(2);
  expect(await figure("reeve_agent_process_resident_memory_bytes")).toBeGreaterThan(1e7);
});

test("elsewhere it says where they are, and it is there for this host only", async () => {
  const response = await get("/");
  expect([response.status, await response.text()]).toEqual([404, "metrics are at /metrics\n"]);
  const others = spawnSync("ss", ["-Hltn", "sport", "=", `:${port}`], { encoding: "utf8" }).stdout;
  expect(others).toContain(`127.0.0.1:${port}`);
  expect(others).not.toMatch(/0\.0\.0\.0:\d+ .*LISTEN|\*:\d+/);
});

test("a port that is taken is an error that says so", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((ready) => server.once("listening", ready));
  const taken = (server.address() as AddressInfo).port;
  const other = await World.start({ instance: `test-${process.pid}-b` });
  try {
    const agent = await other.agent({ agent: { ...other.config.agent, metrics_port: taken } });
    expect(await agent.stop()).toBe(1);
    const said = agent.log.map(({ line }) => line).join("\n");
    expect(said).toContain(`agent.metrics_port: port ${taken} on 127.0.0.1 is taken`);
  } finally {
    await other.stop();
    server.close();
  }
});
