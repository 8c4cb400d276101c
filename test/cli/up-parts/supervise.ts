import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { ChildSpec } from "../../../cli/up/child.ts";
import { privileged, unprivileged } from "../../../cli/up/launch.ts";
import { Supervisor } from "../../../cli/up/supervisor.ts";

// A supervisor with two children, one without rights where this is root; prints their pids, and runs until it is killed.
const dir = process.argv[2]!;
mkdirSync(dir, { recursive: true });
const script = ["sh", "-c", "echo '{}' >&3; exec sleep 300"];
const spec = (name: string, command: [string, ...string[]]): ChildSpec => ({
  ...{ name, command, cwd: "/", reports: true, stopMs: 1000 },
  env: { PATH: process.env["PATH"]! },
});
const supervisor = new Supervisor({ logDir: dir, say: () => {} });
await supervisor.start(spec("a", privileged(script, process.pid)));
if (process.getuid?.() === 0) {
  const how = {
    uid: 64_999,
    gid: 64_999,
    supervisorPid: process.pid,
    stage: join(dir, "stage"),
    mounts: [],
    covers: [],
  };
  await supervisor.start(spec("b", unprivileged(script, how)));
}
console.log(JSON.stringify(supervisor.states().map((state) => state.pid)));
setInterval(() => {}, 1000);
