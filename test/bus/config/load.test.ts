import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parsePartitions } from "../../../bus/config/checks.ts";
import { configToYaml, describeConfig } from "../../../bus/config/describe.ts";
import type { ConfigError } from "../../../bus/config/errors.ts";
import { configSchema, generatedFiles } from "../../../bus/config/generate.ts";
import { loadConfig, loadConfigWithSources, type ConfigFlags } from "../../../bus/config/load.ts";
import { NAMED_SETTINGS } from "../../../bus/config/settings.ts";
import { compileCheck } from "../../../bus/check.ts";

let dir: string;
let file: string;

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "reeve-config-"));
  file = join(dir, "reeve.yaml");
});

afterAll(() => {
  rmSync(dir, { recursive: true });
});

function problems(yaml: string, flags: ConfigFlags = {}, env: NodeJS.ProcessEnv = {}): string[] {
  writeFileSync(file, yaml);
  try {
    loadConfig(flags, env, file);
    return [];
  } catch (cause) {
    const error = cause as ConfigError;
    expect(error.code).toBe("config");
    return error.message.split("\n").map((line) => line.replace(`${file}:`, ""));
  }
}

describe("a wrong file says where, what, and what is allowed", () => {
  test.each([
    ["nod: x", ["1:1: nod: unknown key; did you mean node?"]],
    ["bus:\n  prot: 1", ["2:3: bus.prot: unknown key; did you mean bus.port?"]],
    ["port: 1", ["1:1: port: unknown key; did you mean bus.port?"]],
    ["zzzzzzzzzz: 1", [/^1:1: zzzzzzzzzz: unknown key; allowed: node, instance/]],
    ["bus: {port: 70000}", ["1:13: bus.port: 70000 is not allowed; allowed: a number from 0 to 65535"]],
    ["bus:\n  port: many", ['2:9: bus.port: "many" is not allowed; allowed: a whole number']],
    ["bus: 3", [/^1:6: bus: must be a map; allowed keys: url, port/]],
    ["enforce: 1", ["1:10: enforce: 1 is not allowed; allowed: true or false"]],
    ["log: {level: loud}", [/^1:14: log.level: "loud" is not allowed; allowed: trace, debug, info/]],
    [
      "bus: {events_max_age: 1 day}",
      [/^1:23: bus.events_max_age: "1 day" is not allowed; allowed: numbers with a unit/],
    ],
    ["bus: {events_max_age: 10}", [/^1:23: bus.events_max_age: 10 is not allowed; allowed: text/]],
    ["bus: {events_max_bytes: lots}", [/^1:25: bus.events_max_bytes: "lots" is not allowed/]],
    ["rules: {dirs: ./x}", ['1:15: rules.dirs: "./x" is not allowed; allowed: a list']],
    ["agent:\n  redact:\n    - ok\n    - 'a('", [/^4:7: agent.redact: \[1\]: not a regular expression/]],
    [
      "agent: {own_cgroup: /sys/fs/cgroup/reeve}",
      [
        '1:21: agent.own_cgroup: "/sys/fs/cgroup/reeve" is not allowed; allowed: a path from the root of the v2 hierarchy, such as /reeve, not the root',
      ],
    ],
    ["agent: {ring_mb: 12}", ["1:18: agent.ring_mb: 12 is not allowed; allowed: a power of two"]],
    [
      "engine: {partitions: 0-32}",
      [/^1:22: engine.partitions: "0-32" is not allowed; allowed: numbers and ranges from 0 to 31/],
    ],
    [
      "exempt:\n  scopes:\n    - {cgroup: /x}\n    - continer: {name: a}",
      ["4:7: exempt.scopes: [1].continer: unknown key; did you mean container?"],
    ],
    [
      "controller: {deciders: {ci: {actions: [dney]}}}",
      [/^1:40: controller.deciders: ci.actions\[0\]: "dney" is not allowed; allowed: deny, kill, signal/],
    ],
    [
      "rules:\n  bundle_servers:\n    a: {url: 'https://h/', token_env: A, user: me}\n    b: {token_env: B}",
      [
        /^3:.*bundle_servers: a\.user: is not one whole way; allowed: token_file or token_env; or user/,
        /^4:.*b\.url: is missing/,
      ],
    ],
    ["rules: {bundle_servers: {a: {url: 'https://u:p@h/', token_env: T}}}", [/bundle_servers: a\.url: /]],
    ["rules: {bundles: ['https://u:p@h/b']}", [/rules\.bundles: \[0\]/]],
    ["node: 'a b'", [/^1:7: node: "a b" is not allowed; allowed: a name without spaces/]],
    ["a: [", [/^\d+:\d+: not YAML: /]],
    ["node: a\nnode: b", [/^2:1: not YAML: Map keys must be unique/]],
    [
      "bus:\n  prot: 1\n  port: x\nenforec: true",
      [/^2:3: bus.prot/, /^3:9: bus.port/, /^4:1: enforec: unknown key; did you mean enforce\?/],
    ],
  ])("%j", (yaml, expected) => {
    const found = problems(yaml);
    expect(found.length).toBe(expected.length);
    expected.forEach((it, i) => {
      if (typeof it === "string") expect(found[i]).toBe(it);
      else expect(found[i]).toMatch(it);
    });
  });

  test("a file that is not there", () => {
    expect(() => loadConfig({}, {}, join(dir, "none.yaml"))).toThrow(/none\.yaml: cannot be read: ENOENT/);
  });

  test.each(["", "# nothing", "bus:", "bus: {}", "node:"])("%j is fine", (yaml) => {
    expect(problems(yaml)).toEqual([]);
  });
});

describe("wrong variables and flags", () => {
  test.each([
    [{}, { REEVE_BUS_PROT: "1" }, ["REEVE_BUS_PROT: unknown variable; did you mean REEVE_BUS_PORT?"]],
    [{}, { REEVE_BUS_PORT: "x" }, ['REEVE_BUS_PORT: bus.port: "x" is not allowed; allowed: a whole number']],
    [{}, { REEVE_ENFORCE: "maybe" }, ['REEVE_ENFORCE: enforce: "maybe" is not allowed; allowed: true or false']],
    [
      {},
      { REEVE_EXEMPT_SCOPES: "[{}, {x: 1}]" },
      [/^REEVE_EXEMPT_SCOPES: exempt.scopes: .* is not allowed; allowed: a list$/],
    ],
    [{ "bus.prot": 1 }, {}, ["flags: bus.prot: unknown key; did you mean bus.port?"]],
    [{ "bus.port": "99999" }, {}, ["--bus-port: bus.port: 99999 is not allowed; allowed: a number from 0 to 65535"]],
  ] as [ConfigFlags, NodeJS.ProcessEnv, (string | RegExp)[]][])("%j %j", (flags, env, expected) => {
    const found = problems("", flags, env);
    expect(found.length).toBe(expected.length);
    expect(found[0]).toMatch(expected[0]!);
  });
});

describe("what is in force", () => {
  test("flags come before variables, variables before the file, the file before defaults", () => {
    writeFileSync(file, "bus: {port: 1, monitor_port: 2, events_max_age: 2h}\nlog: {level: warn}\n");
    const { config, sources } = loadConfigWithSources(
      { "bus.port": 5, "log.level": undefined },
      { REEVE_BUS_PORT: "4", REEVE_BUS_MONITOR_PORT: "3", REEVE_READY_FD: "9", REEVE_BUS_URL: "", PATH: "x" },
      file,
    );
    expect(config.bus).toMatchObject({ port: 5, monitor_port: 3, events_max_age: 7_200_000, url: "" });
    expect(sources.get("bus.port")).toBe("--bus-port");
    expect(sources.get("bus.monitor_port")).toBe("REEVE_BUS_MONITOR_PORT");
    expect(sources.get("bus.events_max_age")).toBe(`${file}:1:49`);
    expect(sources.get("log.level")).toBe(`${file}:2:14`);
    expect(sources.get("bus.url")).toBe("default");
  });

  test("defaults follow host name and instance", () => {
    const config = loadConfig({ instance: "t1" }, { REEVE_CONFIG: "" });
    expect(config).toMatchObject({
      node: hostname(),
      run_dir: "/run/reeve-t1",
      data_dir: "/var/lib/reeve-t1",
      enforce: false,
    });
    expect(config.bus.credentials_dir).toBe("/run/reeve-t1/credentials");
    expect(config.bus.nodes).toEqual([hostname()]);
    expect(config.agent.own_cgroup).toBe("/reeve-t1");
    expect(loadConfig({}, {}).run_dir).toBe("/run/reeve");
  });

  test("paths belong to the directory of the file, policies beside it are found", () => {
    writeFileSync(file, "rules: {dirs: [./mine, /abs]}\n");
    expect(loadConfig({}, {}, file).rules.dirs).toEqual([join(dir, "mine"), "/abs"]);
    expect(loadConfig({ "rules.dirs": ["x"] }, {}, file).rules.dirs).toEqual([join(process.cwd(), "x")]);
    writeFileSync(file, "");
    expect(loadConfig({}, {}, file).rules.dirs).toEqual([]);
    mkdirSync(join(dir, "policies"));
    expect(loadConfig({}, { REEVE_CONFIG: file }).rules.dirs).toEqual([join(dir, "policies")]);
  });

  test("variables may hold lists, scopes and maps", () => {
    const config = loadConfig(
      {},
      {
        REEVE_RULES_DIRS: "/a, /b",
        REEVE_AGENT_REDACT: '["a,b", "c"]',
        REEVE_EXEMPT_SCOPES: '[{"cgroup": "/system.slice"}]',
        REEVE_CONTROLLER_DECIDERS: '{"ci": {"max_ttl": "5m"}}',
        REEVE_ENFORCE: "on",
        REEVE_BUS_EVENTS_MAX_BYTES: "64MB",
      },
    );
    expect(config.rules.dirs).toEqual(["/a", "/b"]);
    expect(config.agent.redact).toEqual(["a,b", "c"]);
    expect(config.exempt.scopes).toEqual([{ cgroup: "/system.slice" }]);
    expect(config.controller.deciders["ci"]).toEqual({
      actions: ["deny", "kill"],
      max_ttl: 300_000,
      fleet: false,
      host: true,
      force: false,
      max_entries: 1000,
    });
    expect(config.enforce).toBe(true);
    expect(config.bus.events_max_bytes).toBe(64 * 1024 * 1024);
  });

  test("as YAML it is read back the same; described, it has every setting", () => {
    const loaded = loadConfigWithSources({ "rules.dirs": ["/a"], enforce: true, "bus.port": 9 }, {});
    writeFileSync(file, configToYaml(loaded.config));
    expect(loadConfig({}, {}, file)).toEqual(loaded.config);
    const described = describeConfig(loaded);
    expect(described.map((it) => it.name)).toEqual(NAMED_SETTINGS.map((it) => it.name));
    expect(described.find((it) => it.name === "bus.events_max_age")).toMatchObject({ value: "24h", source: "default" });
    expect(described.find((it) => it.name === "bus.port")).toMatchObject({
      value: 9,
      source: "--bus-port",
      env: "REEVE_BUS_PORT",
    });
  });

  test.each([
    ["0-31", 32],
    ["0", 1],
    ["0,4-7, 5", 5],
  ])("partitions %s are %d", (text, count) => {
    expect(parsePartitions(text)?.length).toBe(count);
  });

  test.each(["", "a", "5-3", "32", "1-", "-1"])("partitions %j are none", (text) => {
    expect(parsePartitions(text)).toBeNull();
  });
});

describe("what is generated", () => {
  test("the schema takes what loads, and refuses what does not", () => {
    const { $schema: _, ...schema } = configSchema();
    const check = compileCheck(schema);
    expect(check({ node: "a", bus: { port: 1 }, exempt: { scopes: [{ host: true }] } })).toEqual([]);
    expect(check({ bus: { prot: 1 } })[0]?.message).toBe("unknown key; did you mean port?");
  });

  test("every setting is documented, with variable and flag", () => {
    const docs = generatedFiles()["docs/configuration.md"]!;
    for (const { name, env, flag } of NAMED_SETTINGS) {
      expect(docs).toContain(`| \`${name}\` |`);
      expect(docs).toContain(`\`${env}\`, \`${flag}\``);
    }
  });
});
