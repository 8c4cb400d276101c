import { LOG_LEVELS } from "../log.ts";
import { choice, duration, integer, namedMap, scopes, size, text, textList, toggle, type Setting } from "./kinds.ts";

const VARIABLE = "^([A-Za-z_][A-Za-z0-9_]*)?$";

/**
 * Every setting there is: the one place that says names, kinds, defaults and meaning. The schema, the documentation,
 * the variables, the flags and the type `Config` all come from here.
 */
export const SETTINGS = {
  node: text(null, "Name of this node on the bus.", { defaultText: "the host name" }),
  instance: text("default", "Name of this installation; another one keeps its files, cgroup and bus apart."),
  run_dir: text(null, "Where sockets, `bus.json` and credentials lie.", {
    defaultText: "`/run/reeve`, or `/run/reeve-<instance>`",
    paths: true,
  }),
  data_dir: text(null, "Where the bus keeps its streams.", {
    defaultText: "`/var/lib/reeve`, or `/var/lib/reeve-<instance>`",
    paths: true,
  }),
  enforce: toggle(false, "Let shipped enforcement act; otherwise it only says what it would have done."),
  bus: {
    url: text(
      "",
      "A nats-server to use instead of starting one. Empty: `reeve up` starts one, others read `bus.json`.",
    ),
    port: integer(
      4222,
      [0, 65535],
      "Port of the nats-server that `reeve up` starts, on loopback; 0 or one that is taken: any free one.",
    ),
    host: text(
      "127.0.0.1",
      "Address that the nats-server listens on; `0.0.0.0` in a container. Whoever reaches it reads alerts without credentials.",
    ),
    monitor_port: integer(0, [0, 65535], "Port of nats-server's HTTP monitoring on loopback; 0: off."),
    credentials_dir: text(null, "Where the credentials of the roles lie.", {
      defaultText: "`<run_dir>/credentials`",
      paths: true,
    }),
    nodes: textList(null, "Nodes that get credentials of their own.", { defaultText: "the value of `node`" }),
    events_max_bytes: size("1GB", "How much of the events is kept; the oldest go first."),
    events_max_age: duration("24h", "How long events are kept."),
    alerts_max_bytes: size("256MB", "How much of the alerts is kept."),
    alerts_max_age: duration("720h", "How long alerts are kept."),
    decisions_max_bytes: size("64MB", "How much of the decisions is kept."),
    decisions_max_age: duration("168h", "How long decisions are kept."),
    duplicate_window: duration(
      "5m",
      "How long a repeated message is known as one; at least ack_wait times max_deliver of the engines' consumers.",
    ),
  },
  agent: {
    ring_mb: integer(8, [1, 1024], "Size of the kernel's ring buffer in MB; a power of two."),
    drain_ms: integer(
      5,
      [1, 1000],
      "How often the ring is drained while it is empty, in milliseconds; 2.5 times that after a pass that found something.",
    ),
    buffer_mb: integer(
      64,
      [1, 4096],
      "How much is kept while the bus is away, in MB; what does not fit is counted and said.",
    ),
    compress: toggle(true, "Whether messages of several events go over the bus compressed (gzip)."),
    argument_bytes: integer(8192, [256, 8192], "How much of a program's arguments is taken."),
    redact: textList(
      [],
      "Regular expressions; of what they match in arguments, every group (without one, all of it) leaves the node as `*****`.",
      {
        item: { type: "string", minLength: 1 },
      },
    ),
    history: textList(
      ["process_exec"],
      "Kinds of process events that are sent and kept also when no rule, policy or reader wants them, for `reeve events --since` and whoever looks back: `process_exec`, `process_exit`. Of the others only what is wanted leaves the node.",
      { item: { enum: ["process_exec", "process_exit"] } },
    ),
    cgroup: text(
      "",
      "Cgroup (v2) under which connects are decided, as a path from the root of the hierarchy (`/system.slice`) or with its mount point. Empty: the root.",
    ),
    own_cgroup: text(
      null,
      "Reeve's own cgroup, which enforcement never touches, as a path from the root of the v2 hierarchy.",
      {
        defaultText: "`/reeve`, or `/reeve-<instance>`",
      },
    ),
    process_table_max: integer(65536, [1024, 4_194_304], "How many processes are remembered; living ones always are."),
    container_sockets: textList(
      ["/var/run/docker.sock", "/run/podman/podman.sock"],
      "Sockets of Docker and what speaks its API, asked for the names of containers where they are there. Empty: none is.",
    ),
    container_bundles: textList(
      [
        "/run/containerd/io.containerd.runtime.v2.task/*/{id}/config.json",
        "/run/containers/storage/overlay-containers/{id}/userdata/config.json",
      ],
      "OCI configurations of containers of containerd, cri-o and podman: `{id}` is the container's, `*` one directory of any name.",
      { item: { type: "string", pattern: "^/.*\\{id\\}" } },
    ),
    container_wait_ms: integer(
      250,
      [0, 250],
      "How long events of a container wait until its runtime has said its name, in milliseconds.",
    ),
    metrics_port: integer(0, [0, 65535], "Port of the agent's Prometheus metrics on loopback; 0: off."),
  },
  rules: {
    dirs: textList(null, "Directories of your own rules and policies.", {
      defaultText: "`./policies` beside reeve.yaml, if it is there",
      paths: true,
    }),
    shipped: toggle(true, "Load the rules and policies that come with Reeve."),
    bundles: textList(
      [],
      "URLs (http, https) of OPA bundles, looked for with their ETag; a source like the directories.",
      {
        item: { type: "string", pattern: "^https?://[^/@]+(/|$)" },
      },
    ),
    bundle_servers: namedMap<BundleServer>(
      {
        url: text("", "Beginning of the URLs that it is for, with the scheme.", { pattern: "^https?://[^/@]+(/|$)" }),
        token_file: text("", "File with the bearer token, which the controller's user may read.", {
          pattern: "^(/|$)",
        }),
        token_env: text("", "Variable of the environment that holds it instead.", { pattern: VARIABLE }),
        user: text("", "User name, for basic authentication instead of a token."),
        password_file: text("", "File with that user's password.", { pattern: "^(/|$)" }),
        password_env: text("", "Variable of the environment that holds it instead.", { pattern: VARIABLE }),
      },
      "Servers of bundles that ask who wants them, by a name of yours: with `url`, and a token or a user with a password, each in a file or a variable.",
    ),
    bundle_poll: duration("30s", "How often bundles are looked for."),
    bundle_key: text(
      "",
      "File with the public key (PEM) that OPA bundles must be signed with; empty: signatures are not asked for.",
      {
        paths: true,
      },
    ),
    bundle_key_id: text("default", "Name of that key in the signatures."),
    bundle_algorithm: text("RS256", "Algorithm of the signatures, as opa calls it (RS256, ES256, PS256, ...)."),
    bundle_scope: text("", "Scope that the signatures must have; empty: none is asked for."),
  },
  engine: {
    name: text(null, "Name of this engine in the status.", { defaultText: "the host name" }),
    watchdog_ms: integer(1000, [10, 60_000], "How long one rule may take before it is stopped and disabled."),
    partitions: text(
      "0-31",
      "Which partitions of the events this engine may read: numbers and ranges, such as `0-15` or `0,4-7`. The engines that run share out what they may.",
    ),
    workers: integer(
      0,
      [0, 256],
      "How many threads evaluate, each with its share of the partitions; 0: one less than there are cores, at least one.",
    ),
    memory_mb: integer(256, [64, 65_536], "How much memory an evaluating thread may use."),
    metrics_port: integer(0, [0, 65535], "Port of the engine's Prometheus metrics on loopback; 0: off."),
  },
  controller: {
    deciders: namedMap<DeciderCaps>(
      {
        actions: textList(["deny", "kill"], "Actions it may decide.", { item: { enum: ["deny", "kill", "signal"] } }),
        max_ttl: duration("1h", "Longest lease it may ask for."),
        fleet: toggle(false, "Whether its decisions may be for the whole fleet."),
        host: toggle(true, "Whether its decisions may have the whole host as scope."),
        force: toggle(false, "Whether it may force what would lock a person out."),
        max_entries: integer(1000, [1, 100_000], "How many of its decisions may be in force at a time."),
      },
      "Programs outside of Reeve that may decide, by name, with what each may do. Each gets credentials `decider-<name>`.",
    ),
  },
  exempt: {
    scopes: scopes("Where enforcement never acts."),
  },
  user: {
    uid: integer(64_999, [0, 4_294_967_294], "User id of engine, controller and nats-server, when started by root."),
    gid: integer(64_999, [0, 4_294_967_294], "Their group id."),
  },
  log: {
    level: choice("info", LOG_LEVELS, "What is logged."),
  },
} satisfies SettingTree;

/** How to prove to a server of bundles who asks. Empty: not given. */
export interface BundleServer {
  url: string;
  token_file: string;
  token_env: string;
  user: string;
  password_file: string;
  password_env: string;
}

/** What a decider may do. `max_ttl` is milliseconds. */
export interface DeciderCaps {
  actions: string[];
  max_ttl: number;
  fleet: boolean;
  host: boolean;
  force: boolean;
  max_entries: number;
}

// oxlint-disable-next-line typescript/no-explicit-any -- settings of any value
type AnySetting = Setting<any>;
interface SettingTree {
  [name: string]: AnySetting | SettingTree;
}

type Values<T> = { [K in keyof T]: T[K] extends Setting<infer V> ? V : Values<T[K]> };

/** What is in force. Durations are milliseconds, sizes bytes, paths absolute. */
export type Config = Values<typeof SETTINGS>;

/** One setting with its names: `bus.port`, `REEVE_BUS_PORT`, `--bus-port`. */
export interface NamedSetting {
  name: string;
  env: string;
  flag: string;
  setting: Setting<unknown>;
}

/** All settings in the order of the documentation. */
export const NAMED_SETTINGS: readonly NamedSetting[] = named(SETTINGS, []);

export const SETTING_BY_NAME: ReadonlyMap<string, NamedSetting> = new Map(NAMED_SETTINGS.map((it) => [it.name, it]));

/** Whether an entry of the tree is a setting, not a section. */
export function isSetting(it: object): it is Setting<unknown> {
  return "read" in it && typeof it.read === "function";
}

function named(tree: SettingTree, path: string[]): NamedSetting[] {
  return Object.entries(tree).flatMap(([key, it]) => {
    const full = [...path, key];
    if (!isSetting(it)) return named(it as SettingTree, full);
    const words = full.join("_");
    return [
      {
        name: full.join("."),
        env: `REEVE_${words.toUpperCase()}`,
        flag: `--${words.replaceAll("_", "-")}`,
        setting: it,
      },
    ];
  });
}
