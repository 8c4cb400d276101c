import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { SetupError } from "./errors.mjs";
import { NEEDS, onPath } from "./needs.mjs";
import { bpftoolPackages, linkBpftool, usableBpftool } from "./bpftool.mjs";
import { runLogged } from "./run-command.mjs";

/**
 * The Debian packages: those that are missing are installed with apt-get.
 * @param {import("./steps.mjs").Step} step
 * @param {{ repo: string, test: boolean, root: boolean }} options
 */
export async function packages(step, options) {
  const missing = () => NEEDS.filter((need) => (options.test || need.when === "run") && !need.there());
  const bpftoolMissing = () => options.test && !usableBpftool(options.repo);
  const names = missing().map((need) => need.debian);
  if (bpftoolMissing()) names.push(...bpftoolPackages());
  if (names.length === 0) return;

  const byHand = `apt-get update && apt-get install ${names.join(" ")}`;
  if (!onPath("apt-get")) {
    throw new SetupError("packages", `not a Debian or Ubuntu machine, and these are missing: ${describe(missing())}`, {
      help: `install what your system calls: ${names.join(", ")}`,
    });
  }
  if (!options.root) {
    throw new SetupError("packages", `missing: ${describe(missing())}`, { help: `sudo sh -c '${byHand}'` });
  }
  const log = join(options.repo, ".reeve/log/apt.log");
  step.doing(`installing ${names.join(" ")} with apt-get (a minute or two)`);
  await installPackages(step, names, log);
  if (bpftoolMissing()) linkBpftool(options.repo);
  const still = missing();
  if (still.length > 0 || bpftoolMissing()) {
    const what = [describe(still), bpftoolMissing() ? "bpftool (reads BTF for the generated files)" : ""];
    throw new SetupError("packages", `apt-get was content, but still missing: ${what.filter(Boolean).join(", ")}`, {
      help: `this needs Debian 12, Ubuntu 24.04 or newer; this is ${systemName()}`,
    });
  }
  step.did(`installed ${names.join(" ")}`);
}

/**
 * Installs Debian packages, with fresh package lists where the ones that are there do not serve.
 * @param {import("./steps.mjs").Step} step
 * @param {string[]} names
 * @param {string} log
 */
export async function installPackages(step, names, log) {
  let failed = haveLists() ? await install(names, log) : "no package lists";
  if (failed === undefined) return;
  step.doing("fetching the package lists (apt-get update)");
  const update = await runLogged("apt-get", ["-q", ...LOCK_WAIT, "update"], { log });
  failed = await install(names, log);
  if (failed === undefined) return;
  const byHand = `apt-get update && apt-get install ${names.join(" ")}`;
  throw new SetupError("packages", `apt-get could not install ${names.join(" ")}:\n${failed}`, {
    help: `${byHand}${update.status === 0 ? "" : "   (apt-get update failed too: is the network there?)"}`,
  });
}

// Another apt (unattended upgrades) may hold the lock for a while on a machine that has just booted.
const LOCK_WAIT = ["-o", "DPkg::Lock::Timeout=180"];

/** @param {string[]} names @param {string} log @returns {Promise<string | undefined>} why it failed */
async function install(names, log) {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const args = ["-qy", ...LOCK_WAIT, "install", "--no-install-recommends", ...names];
  const { status, tail } = await runLogged("apt-get", args, { log, env });
  return status === 0 ? undefined : tail;
}

function haveLists() {
  try {
    return readdirSync("/var/lib/apt/lists").some((name) => name.includes("_Packages"));
  } catch {
    return false;
  }
}

/** @param {import("./needs.mjs").Need[]} needs */
function describe(needs) {
  return needs.map((need) => `${need.debian} (${need.what})`).join(", ");
}

function systemName() {
  try {
    return /^PRETTY_NAME="?([^"\n]*)/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1] ?? "unknown";
  } catch {
    return "unknown";
  }
}
