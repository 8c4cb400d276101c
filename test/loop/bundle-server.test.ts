import { execFileSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { AgentBus } from "../../bus/clients/agent.ts";
import { OperatorBus } from "../../bus/clients/operator.ts";
import { contentDigest } from "../../bus/ids.ts";
import { eventSubject } from "../../bus/subjects.ts";
import type { Alert } from "../../bus/types/alert.ts";
import type { ControllerStatus } from "../../bus/types/controller-status.ts";
import type { EngineStatus } from "../../bus/types/engine-status.ts";
import { runController } from "../../controller/main.ts";
import { findOpa } from "../../rules/build/opa.ts";
import { startBus, until } from "../bus/harness.ts";
import type { TestBus } from "../bus/harness.ts";
import { exec, lines, regoRule, rulesDir } from "../rules/helpers.ts";
import { startEngine } from "./engines/engine-process.ts";
import type { EngineProcess } from "./engines/engine-process.ts";
import { REPO } from "./reeve.ts";

// A bundle server as OPA's: one signed bundle behind HTTP with ETags. Controller and engine run as they do.

let bus: TestBus;
let work: ReturnType<typeof rulesDir>;
let server: Server;
let engine: EngineProcess;
let controlling: Promise<void>;
let agent: AgentBus;
let operator: OperatorBus;
const stop = new AbortController();
const alerts: Alert[] = [];
/** Status codes that the server gave. */
const answers: number[] = [];
let bundle: Buffer;
let url: string;
let down = false;
let seq = 0;

beforeAll(async () => {
  work = rulesDir({ "src/a.rego": "package unused\n" });
  chmodSync(work.dir, 0o755);
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  writeFileSync(join(work.dir, "public.pem"), publicKey.export({ type: "spki", format: "pem" }));
  writeFileSync(join(work.dir, "private.pem"), privateKey.export({ type: "sec1", format: "pem" }));
  writeFileSync(join(work.dir, "token"), "corp-token\n");
  bundle = pack("first", "/first");
  server = createServer((request, response) => {
    const etag = `"${contentDigest(bundle)}"`;
    const known = request.headers.authorization === "Bearer corp-token";
    const status = down ? 503 : !known ? 401 : request.headers["if-none-match"] === etag ? 304 : 200;
    answers.push(status);
    response.writeHead(status, { etag }).end(status === 200 ? bundle : undefined);
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/bundles/corp.tar.gz`;
  bus = await startBus({
    ...{ "rules.dirs": [], "rules.shipped": false, "rules.bundles": [url], "rules.bundle_poll": "200ms" },
    "rules.bundle_servers": { corp: { url: new URL("/bundles/", url).href, token_file: join(work.dir, "token") } },
    ...{ "rules.bundle_key": join(work.dir, "public.pem"), "rules.bundle_algorithm": "ES256", "log.level": "silent" },
  });
  agent = new AgentBus(await bus.connect("agent"));
  operator = new OperatorBus(await bus.connect("operator"));
  operator.subscribeAlerts((alert) => void alerts.push(alert));
  await operator.bus.flush();
  const buildCommand = [process.execPath, join(REPO, "cli/main.ts"), "rules", "build"];
  controlling = runController(bus.config, stop.signal, { buildCommand });
  engine = await startEngine(bus.config, "one");
}, 60_000);

afterAll(async () => {
  await engine.kill("SIGTERM");
  stop.abort();
  await controlling;
  await bus.stop();
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
  work[Symbol.dispose]();
});

/** A signed bundle with one rule that finds one program. */
function pack(rule: string, binary: string, key = "private.pem"): Buffer {
  const body = `alert contains {"message": input.process.binary} if input.process.binary == "${binary}"`;
  writeFileSync(join(work.dir, "src/a.rego"), regoRule(rule, body));
  const signing = ["--signing-key", key, "--signing-alg", "ES256"];
  execFileSync(findOpa(), ["build", "--bundle", "src", ...signing, "--output", "out.tar.gz"], { cwd: work.dir });
  return readFileSync(join(work.dir, "out.tar.gz"));
}

async function finds(rule: string, binary: string): Promise<void> {
  await until(async () => (await engineStatus()).rules.some(({ id }) => id === rule), 20_000);
  const payload = lines(exec({ process: { binary } }, ++seq));
  await agent.events.publish(eventSubject("process_exec", "web-1"), payload, `${seq}`);
  await until(() => alerts.some((alert) => alert.rule === rule && alert.message.startsWith(binary)));
}

async function statusOf(key: string): Promise<unknown> {
  return (await operator.readStatus()).find((entry) => entry.key.startsWith(key))?.value;
}
const engineStatus = async (): Promise<EngineStatus> => (await statusOf("engine.")) as EngineStatus;
const ruleSet = async () => ((await statusOf("controller")) as ControllerStatus).ruleset;

test("a signed bundle is in force; asked for again, it is not sent again", async () => {
  await finds("first", "/first");
  await until(() => answers.filter((status) => status === 304).length >= 3);
  expect(answers.filter((status) => status === 200)).toHaveLength(1);
  expect(answers).not.toContain(401);
  expect((await ruleSet()).state).toBe("live");
});

test("another bundle at the URL replaces it", async () => {
  bundle = pack("second", "/second");
  await finds("second", "/second");
  expect((await engineStatus()).rules.map(({ id }) => id)).toEqual(["second"]);
});

test("one with a signature that is not good is refused with the reason, the last one stays in force", async () => {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  writeFileSync(join(work.dir, "mallory.pem"), privateKey.export({ type: "sec1", format: "pem" }));
  bundle = pack("third", "/third", "mallory.pem");
  await until(async () => (await ruleSet()).state === "broken", 20_000);
  const [error, ...others] = (await ruleSet()).errors;
  expect([error?.file, error?.message, others]).toEqual([url, expect.stringContaining("is refused: "), []]);
  expect((await engineStatus()).rules.map(({ id }) => id)).toEqual(["second"]);
});

test("a server that is away takes no rules out", async () => {
  down = true;
  await until(() => answers.at(-1) === 503);
  await finds("second", "/second");
  down = false;
  bundle = pack("fourth", "/fourth");
  await finds("fourth", "/fourth");
  expect((await ruleSet()).state).toBe("live");
});
