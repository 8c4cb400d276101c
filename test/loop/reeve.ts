import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { connect } from "nats";
import type { NatsConnection } from "nats";
import { OperatorBus } from "../../bus/clients/operator.ts";
import { loadConfig } from "../../bus/config/load.ts";
import { connect as connectRole } from "../../bus/connection.ts";
import type { BusConnection } from "../../bus/connection.ts";
import type { Role } from "../../bus/roles.ts";
import { statusView } from "../../cli/status/view.ts";
import type { StatusView } from "../../cli/status/view.ts";

export const REPO = resolve(fileURLToPath(import.meta.url), "../../..");

/** A whole `reeve up` of its own: instance, run directory, data, rules and bus port that nobody else has. */
export interface RunningReeve {
  instance: string;
  /** Temporary directory of this run; `<dir>/policies` is the user's rule directory. */
  dir: string;
  runDir: string;
  url: string;
  pid: number;
  /** Everything it printed so far. */
  output(): string;
  /** A client with no credentials, as any user's. Closed with the rest. */
  plainClient(): Promise<NatsConnection>;
  /** A connection with the credentials of a role. Closed with the rest. */
  role(role: Role, name?: string): Promise<BusConnection>;
  operator(): Promise<OperatorBus>;
  /** What `reeve status -o json` prints; undefined while the bus is away. */
  status(): Promise<StatusView | undefined>;
  /** Runs `reeve <args>` against it and resolves to its exit code and what it printed. */
  cli(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }>;
  /** The pid of a part: "agent", "engine", "controller" or "bus". */
  pidOf(part: string): number;
  /** Ctrl-C, then waits; resolves to the exit code. Removes every file. */
  stop(): Promise<number>;
}

/** Files that are in the user's rule directory from the start, by name; `dir` is the temporary directory of the run. */
export type Policies = (dir: string) => Record<string, string>;

/**
 * Starts `reeve up` with the given flags and waits until it says that it is running.
 * @throws when it ends or says nothing of the kind for 40 s; the message holds what it printed.
 */
export async function startReeve(
  name: string,
  flags: string[] = [],
  policies: Policies = () => ({}),
): Promise<RunningReeve> {
  const instance = `${name}${process.pid}`;
  const dir = mkdtempSync(join(tmpdir(), `reeve-${name}-`));
  const runDir = `/run/reeve-${instance}`;
  const args = ["up", "--instance", instance, "--rules", join(dir, "policies"), "--node", "loop-node"];
  mkdirSync(join(dir, "policies"));
  for (const [file, text] of Object.entries(policies(dir))) {
    mkdirSync(dirname(join(dir, "policies", file)), { recursive: true });
    writeFileSync(join(dir, "policies", file), text);
  }
  // The controller is another user: what it cannot read it leaves out, which must not hang on the umask of whoever tests.
  for (const entry of readdirSync(join(dir, "policies"), { recursive: true, encoding: "utf8" }))
    chmodSync(join(dir, "policies", entry), 0o755);
  chmodSync(join(dir, "policies"), 0o755);
  chmodSync(dir, 0o755);
  const port = await freePort();
  const child = reeve([...args, ...flags], { REEVE_BUS_PORT: String(port), REEVE_DATA_DIR: join(dir, "data") });
  let output = "";
  child.stdout?.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stderr?.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const ended = new Promise<number>((done) => child.on("close", (code, signal) => done(code ?? (signal ? 128 : 1))));
  const clients: { close(): Promise<void> }[] = [];
  let stopped = false;

  const stop = async (): Promise<number> => {
    if (stopped) return ended;
    stopped = true;
    for (const client of clients) await client.close();
    child.kill("SIGINT");
    const code = await ended;
    rmSync(dir, { recursive: true, force: true });
    rmSync(runDir, { recursive: true, force: true });
    return code;
  };

  try {
    await until(
      () => output.includes("reeve is running"),
      40_000,
      "reeve up to run",
      () => child.exitCode !== null,
    );
  } catch (error) {
    await stop();
    throw new Error(`reeve up did not come up; it printed:\n${output}`, { cause: error });
  }
  const external = flags.includes("--nats") ? flags[flags.indexOf("--nats") + 1] : undefined;
  const bus =
    external === undefined
      ? (JSON.parse(readFileSync(join(runDir, "bus.json"), "utf8")) as { url: string })
      : { url: external };
  const role = async (wanted: Role, of?: string): Promise<BusConnection> => {
    const url = external === undefined ? {} : { "bus.url": external };
    const config = loadConfig({ instance, node: "loop-node", data_dir: join(dir, "data"), ...url }, {});
    const connection = await connectRole(wanted, config, of === undefined ? {} : { name: of });
    clients.push(connection);
    return connection;
  };
  let operating: OperatorBus | undefined;
  const operator = async (): Promise<OperatorBus> => (operating ??= new OperatorBus(await role("operator")));
  return {
    instance,
    dir,
    runDir,
    url: bus.url,
    pid: child.pid as number,
    output: () => output,
    plainClient: async () => {
      const client = await connect({ servers: bus.url });
      clients.push(client);
      return client;
    },
    role,
    operator,
    status: async () => {
      try {
        const bus_ = await operator();
        return statusView(await bus_.readStatus(), { ...bus_.serverInfo(), streams: [] }, new Date());
      } catch {
        return undefined;
      }
    },
    cli: (...cliArgs) => run(cliArgs.concat("--instance", instance), { REEVE_DATA_DIR: join(dir, "data") }),
    pidOf: (part) => childNamed(child.pid as number, part),
    stop,
  };
}

function reeve(args: string[], env: Record<string, string>): ChildProcess {
  return spawn(join(REPO, "node_modules/.bin/node"), [join(REPO, "cli/main.ts"), ...args], {
    env: { ...process.env, ...env, NO_COLOR: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
}

/** Runs the command line to its end. */
export function run(
  args: string[],
  env: Record<string, string> = {},
): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((done) => {
    const child = reeve(args, env);
    let stdout = "";
    let stderr = "";
    child.stdout?.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr?.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    child.on("close", (code) => done({ code: code ?? 1, stdout, stderr }));
  });
}

/** Waits until `condition` holds, looking 20 times a second. @throws after `ms`, or when `over` says that it never will. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  ms: number,
  what: string,
  over: () => boolean = () => false,
): Promise<void> {
  const end = performance.now() + ms;
  while (!(await condition())) {
    if (over()) throw new Error(`it ended before ${what}`);
    if (performance.now() > end) throw new Error(`waited ${ms / 1000} s for ${what}`);
    await new Promise((wake) => setTimeout(wake, 50));
  }
}

/** The descendant of a supervisor that runs a part, by its command line. */
function childNamed(supervisor: number, part: string): number {
  const wanted = part === "bus" ? /nats-server/ : new RegExp(`main\\.ts\\0run\\0${part}\\0`);
  const found = descendants(supervisor).filter((pid) => wanted.test(commandLine(pid)));
  const last = found.at(-1);
  if (last === undefined) throw new Error(`no ${part} below ${supervisor}`);
  return last;
}

/** Every living descendant of a process, parents first. */
export function descendants(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const entry of readdirSync("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, "utf8");
      const parent = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
      children.set(parent, [...(children.get(parent) ?? []), Number(entry)]);
    } catch {
      // It has ended meanwhile.
    }
  }
  const all: number[] = [];
  const queue = [root];
  for (let pid = queue.shift(); pid !== undefined; pid = queue.shift()) {
    for (const child of children.get(pid) ?? []) {
      all.push(child);
      queue.push(child);
    }
  }
  return all;
}

function commandLine(pid: number): string {
  const file = `/proc/${pid}/cmdline`;
  try {
    return existsSync(file) ? readFileSync(file, "utf8") : "";
  } catch {
    return "";
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  const address = server.address();
  await new Promise<void>((done) => server.close(() => done()));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
