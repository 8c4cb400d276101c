import { spawn, spawnSync } from "node:child_process";
import { createWriteStream, mkdirSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Runs a short command and returns what it printed, or undefined when it is not there or fails.
 * @param {string} command
 * @param {string[]} args
 */
export function ask(command, args) {
  const answer = spawnSync(command, args, { encoding: "utf8", timeout: 20_000 });
  return answer.status === 0 ? answer.stdout + answer.stderr : undefined;
}

/**
 * Runs a long command with its output in a log file. Resolves to its exit status and the last lines of what it said.
 * A command that is not there resolves too, with status 127.
 * @param {string} command
 * @param {string[]} args
 * @param {{ log: string, env?: NodeJS.ProcessEnv, cwd?: string }} options
 * @returns {Promise<{ status: number, tail: string }>}
 */
export function runLogged(command, args, options) {
  mkdirSync(dirname(options.log), { recursive: true });
  const log = createWriteStream(options.log, { flags: "a" });
  log.write(`$ ${command} ${args.join(" ")}\n`);
  return new Promise((resolve) => {
    let tail = "";
    const keep = (/** @type {Buffer} */ chunk) => {
      log.write(chunk);
      tail = (tail + chunk.toString()).slice(-3000);
    };
    const child = spawn(command, args, {
      env: options.env ?? process.env,
      cwd: options.cwd,
      stdio: ["ignore", "pipe", "pipe"],
    });
    child.stdout.on("data", keep);
    child.stderr.on("data", keep);
    const end = (/** @type {number} */ status) => log.end(() => resolve({ status, tail: lastLines(tail, 12) }));
    child.on("error", (error) => {
      tail += error.message;
      end(127);
    });
    child.on("close", (status) => end(status ?? 1));
  });
}

/** @param {string} text @param {number} count */
function lastLines(text, count) {
  return text.trimEnd().split("\n").slice(-count).join("\n");
}
