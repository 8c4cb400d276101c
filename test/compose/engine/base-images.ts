import { chmodSync, copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { findServing } from "../../../setup/tools.mjs";
import { TOOLS } from "../../../setup/tool-list.mjs";
import { CACHE, type Engine } from "./engine.ts";
import { debianMirror } from "./packages.ts";
import { must, run } from "./run.ts";

const TAR = `root=$1; shift; tar -C "$root" -c . | docker import "$@"`;

/**
 * Stand-ins for the public base images, for engines that reach no registry: made from Debian's packages, from Node and npm of
 * the npm registry, and from the nats-server and opa of the set-up, under the very names that the Dockerfile and
 * docker-compose.yml use. What is tested is the shipped files, unchanged.
 */
export async function makeBaseImages(engine: Engine, repo: string, say: (line: string) => void): Promise<void> {
  const images: [name: string, make: (root: string) => Promise<void>, changes: string[]][] = [
    ["node:24.21.0-bookworm-slim", (root) => nodeRoot(root, repo, say), ["CMD node"]],
    ["nats:2.15.2-alpine", (root) => natsRoot(root, repo), ["CMD nats-server"]],
    ["openpolicyagent/opa:1.22.2-static", (root) => opaRoot(root, repo), ['ENTRYPOINT ["/opa"]']],
  ];
  for (const [name, make, changes] of images) {
    if ((await run("docker", ["image", "inspect", name], { env: engine.env })).status === 0) continue;
    say(`making ${name}`);
    const root = mkdtempSync(join(CACHE, "image-"));
    try {
      await make(root);
      const flags = changes.flatMap((change) => ["--change", change]);
      await must("sh", ["-c", TAR, "sh", root, ...flags, "-", name], {
        env: engine.env,
      });
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
  }
}

/** Debian's smallest system with Node and npm in /usr/local, as the official image has them. */
async function nodeRoot(root: string, repo: string, say: (line: string) => void): Promise<void> {
  if ((await run("debootstrap", ["--version"])).status !== 0) {
    say("installing debootstrap");
    await must("apt-get", ["-q", "update"]);
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    await must("apt-get", ["-qy", "install", "--no-install-recommends", "debootstrap"], { env });
  }
  const { site } = await debianMirror();
  await must("debootstrap", ["--variant=minbase", "bookworm", root, site], { limit: 900_000 });
  rmSync(join(root, "var/cache/apt/archives"), { recursive: true });
  mkdirSync(join(root, "var/cache/apt/archives/partial"), { recursive: true });
  const local = join(root, "usr/local");
  copyFileSync(join(repo, `node_modules/node-linux-${process.arch}/bin/node`), join(local, "bin/node"));
  chmodSync(join(local, "bin/node"), 0o755);
  const npm = mkdtempSync(join(CACHE, "npm-"));
  try {
    for (const file of ["package.json", "package-lock.json"])
      copyFileSync(join(repo, "setup/npm", file), join(npm, file));
    await must("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--omit=optional"], { cwd: npm });
    cpSync(join(npm, "node_modules/npm"), join(local, "lib/node_modules/npm"), { recursive: true });
  } finally {
    rmSync(npm, { recursive: true, force: true });
  }
  symlinkSync("../lib/node_modules/npm/bin/npm-cli.js", join(local, "bin/npm"));
}

/** nats-server, and the small tools of the official image that the health check uses. */
async function natsRoot(root: string, repo: string): Promise<void> {
  const work = mkdtempSync(join(CACHE, "busybox-"));
  try {
    chmodSync(work, 0o777);
    await must("apt-get", ["-q", "-o", "APT::Sandbox::User=root", "download", "busybox-static"], { cwd: work });
    await must("sh", ["-c", 'dpkg-deb -x "$1"/*.deb "$1"', "sh", work]);
    for (const dir of ["bin", "usr/bin", "usr/local/bin", "etc", "tmp", "data"])
      mkdirSync(join(root, dir), { recursive: true });
    const busybox = ["bin/busybox", "usr/bin/busybox"].map((it) => join(work, it)).find((it) => existsSync(it));
    copyFileSync(busybox ?? "", join(root, "bin/busybox"));
    symlinkSync("busybox", join(root, "bin/sh"));
    symlinkSync("../../bin/busybox", join(root, "usr/bin/wget"));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  tool("nats-server", repo, join(root, "usr/local/bin/nats-server"));
}

async function opaRoot(root: string, repo: string): Promise<void> {
  tool("opa", repo, join(root, "opa"));
}

function tool(name: string, repo: string, to: string): void {
  const wanted = TOOLS.find((it) => it.name === name);
  const { file } = wanted === undefined ? {} : findServing(wanted, join(repo, ".reeve/bin"));
  if (file === undefined) throw new Error(`${name} is not there: npm run setup`);
  copyFileSync(file, to);
  chmodSync(to, 0o755);
}
