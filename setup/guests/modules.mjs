import { readFileSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { spawnSync } from "node:child_process";
import { SetupError } from "../errors.mjs";

/**
 * The modules that some modules need, themselves among them, in an order in which each finds what it needs. A name of which
 * there is no file is built into the kernel.
 * @param {string} dir      the unpacked package's lib/modules/<release>
 * @param {string[]} names
 * @returns {{ name: string, image: Buffer }[]}
 */
export function modulesInOrder(dir, names) {
  /** @type {Map<string, string>} */
  const files = new Map();
  for (const file of readdirSync(dir, { recursive: true, encoding: "utf8" })) {
    const found = /^(.*)\.ko(\.xz|\.zst|\.gz)?$/.exec(basename(file));
    if (found?.[1] !== undefined) files.set(canonical(found[1]), join(dir, file));
  }
  /** @type {Map<string, Buffer>} */
  const order = new Map();
  const seen = new Set();
  const take = (/** @type {string} */ name) => {
    const file = files.get(name);
    if (file === undefined || seen.has(name)) return;
    seen.add(name);
    const image = unpack(file);
    for (const needed of dependencies(image)) take(canonical(needed));
    order.set(name, image);
  };
  for (const name of names) take(canonical(name));
  return [...order].map(([name, image]) => ({ name, image }));
}

/** A module's name has underscores where its file's may have dashes. @param {string} name */
function canonical(name) {
  return name.replaceAll("-", "_");
}

/** The `depends=` of a module's .modinfo section. @param {Buffer} image */
function dependencies(image) {
  const key = "\0depends=";
  const at = image.indexOf(key, 0, "latin1");
  if (at < 0) return [];
  const end = image.indexOf(0, at + key.length);
  return image
    .toString("latin1", at + key.length, end)
    .split(",")
    .filter(Boolean);
}

/** @param {string} file */
function unpack(file) {
  const tool = file.endsWith(".xz") ? "xz" : file.endsWith(".zst") ? "zstd" : file.endsWith(".gz") ? "gzip" : undefined;
  if (tool === undefined) return readFileSync(file);
  const run = spawnSync(tool, ["-dc", file], { maxBuffer: 1 << 28 });
  if (run.status === 0) return run.stdout;
  throw new SetupError("guests", `${tool} cannot unpack ${file}: ${run.error?.message ?? run.stderr.toString()}`);
}
