import { once } from "node:events";
import { closeSync, ftruncateSync, mkdirSync, openSync, readFileSync, unlinkSync, writeSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { AgentError } from "./errors.ts";
import { lockFile } from "./kernel/libc.ts";

/** That this is the only agent of its instance on this kernel; ends with the process, however it ends. */
export interface AgentLock {
  release(): void;
}

/**
 * Takes the lock and writes the pid to `<runDir>/agent.pid`. Two locks in one: an abstract socket, which no directory can
 * hide, and the locked pid file, which no network namespace can.
 * @throws AgentError `locked` with the pid of who has it.
 */
export async function lockAgent(runDir: string, instance: string): Promise<AgentLock> {
  mkdirSync(runDir, { recursive: true });
  const path = join(runDir, "agent.pid");
  const fd = openSync(path, "a+", 0o644);
  if (!lockFile(fd)) {
    closeSync(fd);
    throw new AgentError("locked", `another agent${holder(path)} runs here; ${path} is locked by it`);
  }
  let server: Server;
  try {
    server = await listen(`\0reeve-agent-${instance}`);
  } catch (cause) {
    closeSync(fd);
    const message = `another agent of instance ${instance} runs on this kernel; give --instance NAME for a second one`;
    throw new AgentError("locked", message, cause);
  }
  ftruncateSync(fd);
  writeSync(fd, `${process.pid}\n`);
  return {
    release() {
      unlinkSync(path);
      closeSync(fd);
      server.close();
    },
  };
}

async function listen(name: string): Promise<Server> {
  const server = createServer((socket) => socket.destroy());
  server.listen(name);
  await once(server, "listening");
  server.unref();
  return server;
}

function holder(path: string): string {
  const pid = readFileSync(path, "utf8").trim();
  return pid === "" ? "" : ` (pid ${pid})`;
}
