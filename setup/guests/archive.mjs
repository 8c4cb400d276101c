import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SetupError } from "../errors.mjs";
import { ask, runLogged } from "../run-command.mjs";

const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";

/**
 * One suite of Debian's archive, read with an apt configuration of its own: nothing of the machine's is changed, and a
 * suite that it has not enabled can be read. The mirror is the one that this machine's apt uses, or `REEVE_DEBIAN_MIRROR`
 * (a URL up to and without `/debian`).
 */
export class Suite {
  /** @type {string[]} */
  #options;
  #log;

  /**
   * @param {string} dir    where its lists go
   * @param {{ archive: string, suite: string, log: string }} what
   */
  constructor(dir, what) {
    mkdirSync(join(dir, "state/lists/partial"), { recursive: true });
    mkdirSync(join(dir, "cache/archives/partial"), { recursive: true });
    const signed = existsSync(KEYRING) ? ` signed-by=${KEYRING}` : "";
    const line = `deb [arch=amd64 target=Packages lang=none${signed}] ${mirror(what.archive)} ${what.suite} main\n`;
    writeFileSync(join(dir, "sources.list"), line);
    this.#log = what.log;
    this.#options = [
      `Dir::State=${dir}/state`,
      `Dir::Cache=${dir}/cache`,
      `Dir::Etc::SourceList=${dir}/sources.list`,
      "Dir::Etc::SourceParts=/dev/null",
      "Dir::State::status=/dev/null",
      "APT::Sandbox::User=root",
      "Acquire::Retries=2",
    ].flatMap((option) => ["-o", option]);
  }

  async update() {
    // Without it, apt-get is content with a mirror that it cannot reach.
    const { status, tail } = await this.#run(["-o", "APT::Update::Error-Mode=any", "update"]);
    if (status !== 0) throw new SetupError("guests", `apt-get update:\n${tail}`);
  }

  /**
   * The packages that a package depends on, by its first alternative each.
   * @param {string} name
   */
  depends(name) {
    const text = ask("apt-cache", [...this.#options, "show", "--no-all-versions", name]) ?? "";
    const field = /^Depends: (.*)$/m.exec(text)?.[1];
    const version = /^Version: (.*)$/m.exec(text)?.[1];
    if (version === undefined) throw new SetupError("guests", `there is no package ${name}`);
    return { version, names: (field ?? "").split(",").map((one) => one.trim().split(/[ :]/)[0] ?? "") };
  }

  /**
   * Fetches packages into a directory. Returns the files.
   * @param {string[]} names
   * @param {string} dir
   */
  async download(names, dir) {
    const { status, tail } = await this.#run(["download", ...names], dir);
    if (status !== 0) throw new SetupError("guests", `apt-get download ${names.join(" ")}:\n${tail}`);
    return readdirSync(dir)
      .filter((file) => file.endsWith(".deb"))
      .map((file) => join(dir, file));
  }

  /** @param {string[]} args @param {string} [cwd] */
  #run(args, cwd) {
    return runLogged("apt-get", [...this.#options, "-q", ...args], { log: this.#log, ...(cwd ? { cwd } : {}) });
  }
}

/**
 * The address of an archive on the mirror of this machine's own sources.
 * @param {string} archive
 */
function mirror(archive) {
  const given = process.env["REEVE_DEBIAN_MIRROR"];
  if (given) return `${given.replace(/\/+$/, "")}/${archive}`;
  const own = ownSources();
  const same = own.find((uri) => uri.endsWith(`/${archive}`));
  if (same !== undefined) return same;
  const debian = own.find((uri) => uri.endsWith("/debian"));
  if (debian !== undefined) return debian.replace(/debian$/, archive);
  throw new SetupError("guests", "this machine's apt has no source of Debian's packages", {
    help: "REEVE_DEBIAN_MIRROR=<URL of a mirror, without /debian> npm run setup",
  });
}

/** Where this machine's apt gets Debian's packages from. The origin is known only once lists were fetched. */
function ownSources() {
  const format = "$(REPO_URI) $(ORIGIN)";
  const answer = ask("apt-get", ["indextargets", "--format", format, "Created-By: Packages"]) ?? "";
  return answer
    .split("\n")
    .map((line) => line.split(" "))
    .filter(
      ([uri, origin]) => origin === "Debian" || (origin?.startsWith("$") && /\/debian(-security)?\/?$/.test(uri ?? "")),
    )
    .map(([uri]) => (uri ?? "").replace(/\/+$/, ""));
}
