import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { must } from "./run.ts";

/**
 * Docker as Debian packages it, unpacked into a directory: nothing is installed on the machine and no service is made. Docker
 * 26 is in trixie; with bookworm's runc its privileged containers run on kernels whose capabilities the newer runc trips over.
 */
const TRIXIE = ["docker.io", "docker-cli", "docker-compose", "docker-buildx", "containerd", "tini"];
const BOOKWORM = ["runc", "iptables", "libip4tc2", "libip6tc2", "libxtables12", "libnftnl11", "libmnl0", "libseccomp2"];
const BOOKWORM_TOO = ["libnetfilter-conntrack3", "libnfnetlink0", "libedit2", "libbsd0", "libmd0"];

/** The environment in which the unpacked programs find each other and their libraries. */
export function packagesEnv(root: string): NodeJS.ProcessEnv {
  const libraries = readdirSync(join(root, "usr/lib")).find((name) => name.endsWith("-linux-gnu")) ?? "";
  return {
    ...process.env,
    PATH: `${join(root, "bin")}:${join(root, "usr/sbin")}:${join(root, "usr/bin")}:${process.env["PATH"] ?? ""}`,
    LD_LIBRARY_PATH: join(root, "usr/lib", libraries),
    XTABLES_LIBDIR: join(root, "usr/lib", libraries, "xtables"),
  };
}

/** Unpacks the packages into `root` unless they are there. */
export async function dockerPackages(root: string, say: (line: string) => void): Promise<void> {
  if (existsSync(root)) return;
  const work = `${root}.new`;
  rmSync(work, { recursive: true, force: true });
  mkdirSync(join(work, "apt/lists/partial"), { recursive: true });
  mkdirSync(join(work, "apt/cache/archives/partial"), { recursive: true });
  mkdirSync(join(work, "root/bin"), { recursive: true });
  say("fetching Docker from Debian's packages");
  const { site, keys } = await debianMirror();
  const line = (suite: string): string => `deb [signed-by=${keys}] ${site} ${suite} main\n`;
  writeFileSync(join(work, "apt/sources.list"), line("trixie") + line("bookworm"));
  writeFileSync(
    join(work, "apt/apt.conf"),
    [
      `Dir::Etc::SourceList "${join(work, "apt/sources.list")}";`,
      `Dir::Etc::SourceParts "-";`,
      `Dir::State::Lists "${join(work, "apt/lists")}";`,
      `Dir::Cache "${join(work, "apt/cache")}";`,
      // It could not read the directory.
      `APT::Sandbox::User "root";\n`,
    ].join("\n"),
  );
  const env = { ...process.env, APT_CONFIG: join(work, "apt/apt.conf") };
  await must("apt-get", ["-q", "update"], { env });
  const names = [
    ...TRIXIE.map((it) => `${it}/trixie`),
    ...[...BOOKWORM, ...BOOKWORM_TOO].map((it) => `${it}/bookworm`),
  ];
  await must("apt-get", ["-q", "download", ...names], { env, cwd: work });
  for (const name of readdirSync(work).filter((it) => it.endsWith(".deb"))) {
    await must("dpkg-deb", ["-x", join(work, name), join(work, "root")]);
  }
  for (const name of [
    "iptables",
    "iptables-save",
    "iptables-restore",
    "ip6tables",
    "ip6tables-save",
    "ip6tables-restore",
  ]) {
    symlinkSync("../usr/sbin/xtables-nft-multi", join(work, "root/bin", name));
  }
  symlinkSync("../usr/bin/tini-static", join(work, "root/bin/docker-init"));
  renameSync(join(work, "root"), root);
  rmSync(work, { recursive: true });
}

/** Where this machine has its Debian packages from, and the file of Debian's keys. */
export async function debianMirror(): Promise<{ site: string; keys: string }> {
  const keys = "/usr/share/keyrings/debian-archive-keyring.gpg";
  if (!existsSync(keys)) throw new Error(`${keys} is missing: apt-get install debian-archive-keyring`);
  const list = async (): Promise<string> =>
    await must("apt-get", [
      "indextargets",
      "--format",
      "$(REPO_URI) $(COMPONENT) $(ORIGIN) $(LABEL)",
      "Identifier: Packages",
    ]);
  let text = await list();
  if (!text.includes("Debian")) {
    await must("apt-get", ["-q", "update"]);
    text = await list();
  }
  const site = text
    .split("\n")
    .map((it) => it.split(" "))
    .find(([, component, origin, label]) => {
      return component === "main" && origin === "Debian" && label === "Debian";
    })?.[0];
  if (site === undefined)
    throw new Error("this machine has no source of Debian's packages: start a Docker engine first");
  return { site, keys };
}
