import { existsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { nearest } from "../nearest.ts";
import { checkSetting } from "./checks.ts";
import { derivedDefault } from "./derive.ts";
import { ConfigError, type ConfigProblem } from "./errors.ts";
import { readConfigFile } from "./file.ts";
import { NAMED_SETTINGS, SETTING_BY_NAME, type Config, type NamedSetting } from "./settings.ts";

/** Flags by dotted name: `{"bus.port": 4223, "rules.dirs": ["./mine"], enforce: true}`. Text is read as a variable's is. */
export type ConfigFlags = Record<string, unknown>;

/** Where a value came from: `--bus-port`, `REEVE_BUS_PORT`, `/etc/reeve/reeve.yaml:3:9` or `default`. */
export type Sources = ReadonlyMap<string, string>;

export interface LoadedConfig {
  config: Config;
  sources: Sources;
  /** The file that was read, absolute; null when there was none. */
  file: string | null;
}

interface Written {
  written: unknown;
  where: string;
  /** Directory that relative paths belong to. */
  base: string;
}

/** Variables that begin with REEVE_ and are no settings. */
const OTHER_VARIABLES = new Set(["REEVE_CONFIG", "REEVE_READY_FD", "REEVE_HEALTH_FILE", "REEVE_DEBUG"]);
const DEFAULT_FILES = ["reeve.yaml", "/etc/reeve/reeve.yaml"];

/**
 * The configuration in force: flags, then REEVE_* variables, then the file, then defaults. The file is the one given,
 * that of REEVE_CONFIG, ./reeve.yaml or /etc/reeve/reeve.yaml.
 * @throws {ConfigError} with every problem found
 */
export function loadConfigWithSources(
  flags: ConfigFlags = {},
  env: NodeJS.ProcessEnv = process.env,
  file: string | null = null,
): LoadedConfig {
  const cwd = process.cwd();
  const chosen = file ?? (env["REEVE_CONFIG"] || null) ?? DEFAULT_FILES.find((name) => existsSync(name)) ?? null;
  const problems: ConfigProblem[] = [];
  const layers: Map<string, Written>[] = [readFlags(flags, cwd, problems), readEnv(env, cwd, problems)];
  if (chosen !== null) {
    const read = readConfigFile(chosen);
    problems.push(...read.problems);
    const base = dirname(resolve(chosen));
    layers.push(new Map([...read.values].map(([name, value]) => [name, { ...value, base }])));
  }
  if (problems.length > 0) throw new ConfigError(problems);
  const base = chosen === null ? cwd : dirname(resolve(chosen));
  return { ...resolveAll(layers, base), file: chosen === null ? null : resolve(chosen) };
}

/** The configuration in force, without where each value came from. See `loadConfigWithSources`. */
export function loadConfig(flags?: ConfigFlags, env?: NodeJS.ProcessEnv, file?: string | null): Config {
  return loadConfigWithSources(flags, env, file).config;
}

function resolveAll(layers: Map<string, Written>[], base: string): { config: Config; sources: Sources } {
  const values = new Map<string, unknown>();
  const sources = new Map<string, string>();
  const get = (name: string): unknown => {
    const it = SETTING_BY_NAME.get(name)!;
    if (values.has(name)) return values.get(name);
    const given = layers.map((layer) => layer.get(name)).find((written) => written !== undefined);
    const written = given?.written ?? it.setting.fallback ?? derivedDefault(name, get, base);
    const value = it.setting.read(written);
    sources.set(name, given?.where ?? "default");
    values.set(name, it.setting.paths === true ? absolute(value, given?.base ?? base) : value);
    return values.get(name);
  };
  const config: Record<string, unknown> = {};
  for (const { name } of NAMED_SETTINGS) place(config, name, get(name));
  return { config: config as Config, sources };
}

function absolute(value: unknown, base: string): unknown {
  return Array.isArray(value) ? value.map((it) => resolve(base, String(it))) : resolve(base, String(value));
}

/** Sets a dotted name in a nested object. */
export function place(into: Record<string, unknown>, name: string, value: unknown): void {
  const path = name.split(".");
  let section = into;
  for (const key of path.slice(0, -1)) section = (section[key] ??= {}) as Record<string, unknown>;
  section[path.at(-1)!] = value;
}

function readFlags(flags: ConfigFlags, base: string, problems: ConfigProblem[]): Map<string, Written> {
  const found = new Map<string, Written>();
  for (const [name, value] of Object.entries(flags)) {
    if (value === undefined) continue;
    const it = SETTING_BY_NAME.get(name);
    if (it === undefined) {
      const meant = nearest(name, SETTING_BY_NAME.keys());
      problems.push({
        where: "flags",
        key: name,
        message: `unknown key${meant === null ? "" : `; did you mean ${meant}?`}`,
      });
    } else {
      take(it, typeof value === "string" ? it.setting.fromText(value) : value, it.flag, base, found, problems);
    }
  }
  return found;
}

function readEnv(env: NodeJS.ProcessEnv, base: string, problems: ConfigProblem[]): Map<string, Written> {
  const found = new Map<string, Written>();
  const byEnv = new Map(NAMED_SETTINGS.map((it) => [it.env, it]));
  for (const [variable, value] of Object.entries(env)) {
    if (!variable.startsWith("REEVE_") || OTHER_VARIABLES.has(variable) || variable.startsWith("REEVE_TEST_")) continue;
    const it = byEnv.get(variable);
    if (it === undefined) {
      const meant = nearest(variable, byEnv.keys());
      const message = `unknown variable${meant === null ? "" : `; did you mean ${meant}?`}`;
      problems.push({ where: variable, key: null, message });
    } else if (value !== undefined && value !== "") {
      take(it, it.setting.fromText(value), variable, base, found, problems);
    }
  }
  return found;
}

function take(
  it: NamedSetting,
  written: unknown,
  where: string,
  base: string,
  into: Map<string, Written>,
  problems: ConfigProblem[],
): void {
  const wrong = checkSetting(it.name, written);
  for (const problem of wrong) {
    const inside = problem.path.length === 0 ? "" : `${problem.field}: `;
    problems.push({ where, key: it.name, message: inside + problem.message });
  }
  if (wrong.length === 0) into.set(it.name, { written, where, base });
}
