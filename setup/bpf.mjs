import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { SetupError } from "./errors.mjs";
import { runLogged } from "./run-command.mjs";

/**
 * The BPF objects: compiled when one is missing or older than a source.
 * @param {import("./steps.mjs").Step} step
 * @param {{ repo: string }} options
 */
export async function bpf(step, options) {
  const dir = join(options.repo, "bpf");
  const stale = staleObject(sources(dir), join(dir, "out"));
  if (stale === undefined) return;
  step.doing(`compiling (${stale})`);
  const log = join(options.repo, ".reeve/log/bpf.log");
  const { status, tail } = await runLogged(process.execPath, [join(dir, "build.mjs")], { log, cwd: options.repo });
  if (status !== 0) {
    throw new SetupError("bpf", `the eBPF programs do not compile:\n${tail}`, { help: "node bpf/build.mjs" });
  }
  step.did("compiled");
}

/**
 * Why the objects have to be built: one is missing, or older than any source (headers are shared, so each counts for all).
 * @param {{ programs: string[], newest: number, newestName: string }} from
 * @param {string} out
 * @returns {string | undefined}
 */
function staleObject(from, out) {
  for (const program of from.programs) {
    const object = join(out, program.replace(/\.c$/, ".o"));
    if (!existsSync(object)) return `${program.replace(/\.c$/, ".o")} is missing`;
    if (statSync(object).mtimeMs < from.newest)
      return `${from.newestName} is newer than ${program.replace(/\.c$/, ".o")}`;
  }
  return undefined;
}

/** @param {string} dir */
function sources(dir) {
  const from = { programs: /** @type {string[]} */ ([]), newest: 0, newestName: "" };
  const look = (/** @type {string} */ folder, /** @type {string} */ prefix) => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      if (entry.isDirectory()) {
        if (entry.name !== "out") look(join(folder, entry.name), `${prefix}${entry.name}/`);
        continue;
      }
      if (!/\.(c|h)$/.test(entry.name) && entry.name !== "build.mjs") continue;
      if (prefix === "" && entry.name.endsWith(".bpf.c")) from.programs.push(entry.name);
      const time = statSync(join(folder, entry.name)).mtimeMs;
      if (time > from.newest) Object.assign(from, { newest: time, newestName: `bpf/${prefix}${entry.name}` });
    }
  };
  look(dir, "");
  return from;
}
