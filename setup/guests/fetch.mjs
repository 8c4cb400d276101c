import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { SetupError } from "../errors.mjs";
import { runLogged } from "../run-command.mjs";
import { Suite } from "./archive.mjs";
import { GUESTS_DIR, GUEST_MODULES } from "./kernels.mjs";
import { modulesInOrder } from "./modules.mjs";

/**
 * What is known of a fetched kernel.
 * @typedef {object} FetchedKernel
 * @property {string} name
 * @property {string} suite
 * @property {string} package
 * @property {string} version
 * @property {string} release      what `uname -r` says
 * @property {string[]} modules    file names, in the order to load them
 */

/**
 * The kernel of that name that was fetched before, or undefined.
 * @param {string} repo
 * @param {string} name
 * @returns {FetchedKernel | undefined}
 */
export function fetched(repo, name) {
  const file = join(repo, GUESTS_DIR, name, "kernel.json");
  return existsSync(file) ? /** @type {FetchedKernel} */ (JSON.parse(readFileSync(file, "utf8"))) : undefined;
}

/**
 * Fetches a kernel from Debian's archive and keeps what a guest boots from. The directory appears when it is whole.
 * @param {import("./kernels.mjs").GuestKernel} kernel
 * @param {string} repo
 * @returns {Promise<FetchedKernel>}
 */
export async function fetchKernel(kernel, repo) {
  const guests = join(repo, GUESTS_DIR);
  const log = join(repo, ".reeve/log/guests.log");
  mkdirSync(guests, { recursive: true });
  const work = mkdtempSync(join(guests, `.${kernel.name}-`));
  try {
    const suite = new Suite(join(work, "apt"), { ...kernel, log });
    await suite.update();
    const image = suite.depends("linux-image-amd64").names.find((name) => name.startsWith("linux-image-"));
    if (image === undefined) throw new SetupError("guests", `${kernel.suite}: linux-image-amd64 names no kernel`);
    const { version, names } = suite.depends(image);
    // Newer kernels come in parts: the image and the modules have packages of their own.
    const parts = names.filter((name) => /^linux-(binary|modules)-/.test(name));
    mkdirSync(join(work, "deb"));
    const debs = await suite.download([image, ...parts], join(work, "deb"));
    const tree = join(work, "tree");
    for (const deb of debs) await unpack(deb, tree, log);
    const whole = keep(tree, join(work, "kernel"), { name: kernel.name, suite: kernel.suite, package: image, version });
    rmSync(join(guests, kernel.name), { recursive: true, force: true });
    renameSync(join(work, "kernel"), join(guests, kernel.name));
    return whole;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** @param {string} deb @param {string} tree @param {string} log */
async function unpack(deb, tree, log) {
  const { status, tail } = await runLogged("dpkg-deb", ["-x", deb, tree], { log });
  if (status !== 0) throw new SetupError("guests", `dpkg-deb -x ${deb}:\n${tail}`);
}

/**
 * Copies out of the unpacked packages what a guest boots from.
 * @param {string} tree
 * @param {string} to
 * @param {{ name: string, suite: string, package: string, version: string }} what
 * @returns {FetchedKernel}
 */
function keep(tree, to, what) {
  const all = ["lib/modules", "usr/lib/modules"].map((dir) => join(tree, dir)).filter((dir) => existsSync(dir));
  const release = all.flatMap((dir) => readdirSync(dir))[0];
  if (release === undefined) throw new SetupError("guests", `${what.package} has no modules`);
  const images = [join(tree, `boot/vmlinuz-${release}`), ...all.map((dir) => join(dir, release, "vmlinuz"))];
  const image = images.find((file) => existsSync(file));
  if (image === undefined) throw new SetupError("guests", `${what.package} has no vmlinuz-${release}`);
  mkdirSync(to);
  copyFileSync(image, join(to, "vmlinuz"));
  const modules = all.flatMap((dir) => modulesInOrder(join(dir, release), GUEST_MODULES));
  for (const module of modules) writeFileSync(join(to, `${module.name}.ko`), module.image);
  const kernel = { ...what, release, modules: modules.map((module) => `${module.name}.ko`) };
  writeFileSync(join(to, "kernel.json"), `${JSON.stringify(kernel, null, 2)}\n`);
  return kernel;
}
