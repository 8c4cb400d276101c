import { chmodSync, chownSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { loadConfig } from "../../bus/config/load.ts";
import type { Config } from "../../bus/config/settings.ts";
import { shareBus } from "../../bus/server/share.ts";

let dir: string;
let config: Config;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "reeve-share-"));
  for (const name of ["nats", "data", "agent", "engine", "controller", "host"]) mkdirSync(join(dir, name));
  config = loadConfig(
    {
      ...{ node: "web-1", "bus.nodes": ["web-2"], "bus.host": "0.0.0.0", data_dir: "/data" },
      ...{ run_dir: join(dir, "run"), "bus.credentials_dir": join(dir, "all") },
      "controller.deciders": { soc: {} },
    },
    {},
  );
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const share = (): void => {
  shareBus({ config, dir, hostDir: join(dir, "host"), hostUrl: "nats://127.0.0.1:4333" });
};
const modeOf = (file: string): number => statSync(join(dir, file)).mode & 0o777;

test("each part's directory has what that part needs, and nothing else", () => {
  share();
  expect(readdirSync(join(dir, "agent"))).toEqual(["agent.json"]);
  expect(readdirSync(join(dir, "engine"))).toEqual(["engine.json"]);
  expect(readdirSync(join(dir, "controller"))).toEqual(["controller.json"]);
  expect(readdirSync(join(dir, "nats"))).toEqual(["nats.conf"]);
  const conf = readFileSync(join(dir, "nats/nats.conf"), "utf8");
  expect(conf).toContain('"listen": "0.0.0.0:4222"');
  expect(conf).toContain('"store_dir": "/data/nats"');
  for (const { uid } of ["engine/engine.json", "controller/controller.json", "nats/nats.conf", "data"].map((file) =>
    statSync(join(dir, file)),
  )) {
    expect(uid).toBe(config.user.uid);
  }
});

test("the host gets the bus's address, and the credentials of people, deciders and other nodes, as its directory's owner", () => {
  chownSync(join(dir, "host"), 1234, 1234);
  share();
  expect(JSON.parse(readFileSync(join(dir, "host/bus.json"), "utf8"))).toEqual({ url: "nats://127.0.0.1:4333" });
  expect(readdirSync(join(dir, "host/credentials")).toSorted()).toEqual([
    "agent-web-2.json",
    "decider-soc.json",
    "decider-soc.nk",
    "operator.json",
  ]);
  for (const file of ["host/credentials", "host/credentials/operator.json"])
    expect(statSync(join(dir, file)).uid).toBe(1234);
  expect(modeOf("host/credentials")).toBe(0o700);
  expect(modeOf("host/credentials/operator.json")).toBe(0o600);
});

test("again changes no credentials and mends what others did to the files", () => {
  share();
  const before = readFileSync(join(dir, "host/credentials/operator.json"), "utf8");
  chmodSync(join(dir, "engine/engine.json"), 0o644);
  rmSync(join(dir, "agent/agent.json"));
  share();
  expect(readFileSync(join(dir, "host/credentials/operator.json"), "utf8")).toBe(before);
  expect(modeOf("engine/engine.json")).toBe(0o600);
  expect(readdirSync(join(dir, "agent"))).toEqual(["agent.json"]);
});
