import { join } from "node:path";
import { SetupError } from "../errors.mjs";
import { onPath } from "../needs.mjs";
import { installPackages } from "../packages.mjs";
import { fetched, fetchKernel } from "./fetch.mjs";
import { GUEST_KERNELS, TEST_KERNEL } from "./kernels.mjs";

/** What fetching a kernel and running it takes, beside what the set-up installs anyway. */
const NEEDS = [
  { debian: "qemu-system-x86", command: "qemu-system-x86_64" },
  { debian: "xz-utils", command: "xz" },
];

/**
 * QEMU and the kernels of the guests. For `npm test` they are welcome but not needed: where they cannot be had, this says
 * so and the tests in the guest are skipped.
 * @param {import("../steps.mjs").Step} step
 * @param {{ repo: string, root: boolean, guests: "all" | "test" | "none" }} options
 */
export async function guests(step, options) {
  if (options.guests === "none") return;
  const all = options.guests === "all";
  const kernels = GUEST_KERNELS.filter((kernel) => all || kernel.name === TEST_KERNEL);
  const missing = NEEDS.filter((need) => !onPath(need.command)).map((need) => need.debian);
  const toFetch = kernels.filter((kernel) => fetched(options.repo, kernel.name) === undefined);
  if (missing.length === 0 && toFetch.length === 0) return;
  try {
    await bring(step, options, missing, toFetch);
  } catch (error) {
    if (all || !(error instanceof SetupError)) throw error;
    step.did(`NOT THERE, the tests on kernel ${TEST_KERNEL} will be skipped: ${error.message}`);
  }
}

/**
 * @param {import("../steps.mjs").Step} step
 * @param {{ repo: string, root: boolean }} options
 * @param {string[]} packages
 * @param {import("./kernels.mjs").GuestKernel[]} kernels
 */
async function bring(step, options, packages, kernels) {
  if (process.arch !== "x64") throw new SetupError("guests", `guests run on x86-64 only, this is ${process.arch}`);
  if (!onPath("apt-get") || !onPath("dpkg-deb"))
    throw new SetupError("guests", "the kernels come from Debian's archive, which needs apt-get and dpkg-deb");
  const done = [];
  if (packages.length > 0) {
    if (!options.root)
      throw new SetupError("guests", `not root, and these packages are missing: ${packages.join(" ")}`);
    step.doing(`installing ${packages.join(" ")} with apt-get (some seconds)`);
    await installPackages(step, packages, join(options.repo, ".reeve/log/apt.log"));
    done.push(`installed ${packages.join(" ")}`);
  }
  for (const kernel of kernels) {
    step.doing(`fetching Debian's kernel ${kernel.name} (${kernel.suite}; about 100 MB, of which 15 MB stay)`);
    const { version } = await fetchKernel(kernel, options.repo);
    done.push(`kernel ${version}`);
  }
  step.did(done.join(", "));
}
