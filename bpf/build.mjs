// Compiles bpf/*.bpf.c and bpf/hooks/*.bpf.c to bpf/out/*.bpf.o, and bpf/gen/layouts.bpf.c to bpf/out/layouts.o: only what
// changed. Numbers the records first: see number-kinds.mjs.
// Plain JavaScript for Node 18: it runs before the project's own Node is there.
//   node bpf/build.mjs [--force]
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync } from "node:fs";
import { availableParallelism } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { numberKinds } from "./number-kinds.mjs";

const run = promisify(execFile);
const BPF = dirname(fileURLToPath(import.meta.url));
const OUT = join(BPF, "out");
/** uapi's asm/ lies in the multiarch directory, which clang does not look into for the bpf target. */
const TRIPLES = { x64: "x86_64-linux-gnu", arm64: "aarch64-linux-gnu" };
const TARGET_ARCH = { x64: "x86", arm64: "arm64" };

/** @typedef {{ source: string, object: string, flags: string[], debug: boolean }} Unit */

/** @returns {Unit[]} */
function units() {
  const programs = [BPF, join(BPF, "hooks")].flatMap((dir) =>
    readdirSync(dir)
      .filter((name) => name.endsWith(".bpf.c"))
      .sort()
      .map((name) => ({
        source: join(dir, name),
        object: join(OUT, name.replace(/\.c$/, ".o")),
        flags: [],
        debug: false,
      })),
  );
  const layouts = join(BPF, "gen/layouts.bpf.c");
  if (!existsSync(layouts)) return programs;
  // Not *.bpf.o: whoever loads what lies there must not take it for programs.
  return [...programs, { source: layouts, object: join(OUT, "layouts.o"), flags: ["-DREEVE_LAYOUTS"], debug: true }];
}

/**
 * Whether an object is older than its source, a header that it included last time, or this script.
 * @param {Unit} unit
 */
function stale(unit) {
  const deps = `${unit.object}.d`;
  if (!existsSync(unit.object) || !existsSync(deps)) return true;
  const made = statSync(unit.object).mtimeMs;
  const [, list = ""] = readFileSync(deps, "utf8").split(/:\s/, 2);
  const files = [fileURLToPath(import.meta.url), ...list.replaceAll("\\\n", " ").split(/\s+/).filter(Boolean)];
  return files.some((file) => !existsSync(file) || statSync(file).mtimeMs > made);
}

/** @param {Unit} unit */
async function compile(unit) {
  const temporary = `${unit.object}.${process.pid}.tmp`;
  const triple = TRIPLES[/** @type {"x64" | "arm64"} */ (process.arch)];
  const arch = TARGET_ARCH[/** @type {"x64" | "arm64"} */ (process.arch)];
  const warnings = ["-Wall", "-Werror", "-Wno-unused-function", "-Wno-visibility"];
  const flags = ["-O2", "-g", "-target", "bpf", "-mcpu=v3", `-D__TARGET_ARCH_${arch}`, ...warnings, ...unit.flags];
  // No path of this machine in the objects: the same source makes the same object everywhere.
  flags.push(`-fdebug-prefix-map=${BPF}=.`);
  const include = [`-I${join(BPF, "include")}`, `-I${BPF}`, `-I/usr/include/${triple}`];
  try {
    const deps = ["-MD", "-MF", `${unit.object}.d`, "-MT", unit.object];
    await run("clang", [...flags, ...include, ...deps, "-c", unit.source, "-o", temporary], { cwd: BPF });
    // DWARF is nine tenths of the object and nobody reads it; BTF stays.
    if (!unit.debug) await run("llvm-strip", ["-g", temporary]);
    renameSync(temporary, unit.object);
  } finally {
    rmSync(temporary, { force: true });
  }
}

/** One after the other, as long as there are any: as many of these at a time as there are cores. */
async function compileNext() {
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const [index, unit] = next;
    [done[index]] = await Promise.allSettled([compile(unit)]);
  }
}

mkdirSync(OUT, { recursive: true });
numberKinds(BPF);
const force = process.argv.includes("--force");
const all = units();
// Programs whose source is gone must not be taken for today's.
for (const name of readdirSync(OUT))
  if (name.endsWith(".bpf.o") && !all.some(({ object }) => basename(object) === name)) rmSync(join(OUT, name));
const todo = all.filter((unit) => force || stale(unit));
// Set-up asks only whether each object is newer than every source: what is up to date says so.
const now = new Date();
for (const unit of all) if (!todo.includes(unit)) utimesSync(unit.object, now, now);
/** @type {PromiseSettledResult<void>[]} */
const done = [];
const queue = [...todo.entries()];
await Promise.all(Array.from({ length: availableParallelism() }, compileNext));
for (const [index, result] of done.entries()) {
  const name = basename(todo[index].source);
  if (result.status === "fulfilled") {
    console.log(`compiled ${name}`);
    continue;
  }
  process.exitCode = 1;
  const { stderr, message } = /** @type {Error & { stderr?: string }} */ (result.reason);
  console.error(`${name} does not compile:\n${(stderr ?? "") === "" ? message : stderr}`);
}
