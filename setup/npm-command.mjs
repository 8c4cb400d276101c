import { copyFileSync, existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { SetupError } from "./errors.mjs";
import { runLogged } from "./run-command.mjs";

/**
 * The command that runs npm. Where the machine's Node is older than 24, it is npm 11 run by Node 24, both put into
 * .reeve/npm first: an older Node makes npm leave out optional packages that want a newer one, and those are the native parts
 * of our tools.
 * @param {{ repo: string, log: string, env: NodeJS.ProcessEnv }} options
 * @returns {Promise<[string, ...string[]]>}
 */
export async function npmCommand(options) {
  if (Number(process.versions.node.split(".")[0]) >= 24) return ["npm"];
  const dir = join(options.repo, ".reeve/npm");
  const node = join(dir, `node_modules/node-linux-${process.arch}/bin/node`);
  const cli = join(dir, "node_modules/npm/bin/npm-cli.js");
  if (!existsSync(node) || !existsSync(cli)) {
    mkdirSync(dir, { recursive: true });
    for (const file of ["package.json", "package-lock.json"]) {
      copyFileSync(join(options.repo, "setup/npm", file), join(dir, file));
    }
    const args = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--include=optional"];
    const { status, tail } = await runLogged("npm", args, { log: options.log, cwd: dir, env: options.env });
    if (status === 127) throw new SetupError("node_modules", "npm is missing", { help: "apt-get install npm" });
    if (status !== 0 || !existsSync(node)) {
      throw new SetupError("node_modules", `npm could not install Node 24 and npm 11:\n${tail}`, {
        help: `is the npm registry reachable from here? Then: cd ${dir} && npm ci --ignore-scripts`,
      });
    }
  }
  return [node, cli];
}
