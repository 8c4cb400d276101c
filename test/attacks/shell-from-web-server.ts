import { chmodSync, copyFileSync } from "node:fs";
import { realpathSync } from "node:fs";
import { inDirectory, runToEnd } from "./attack.ts";
import type { Attack } from "./attack.ts";

/**
 * A program by the name of a web server starts a shell: bash copied to `nginx`, which runs `sh -c` as a child. It lies below
 * /var/lib, not in a world-writable directory, so that only this rule finds it.
 */
export const shellFromWebServer: Attack = {
  rule: "shell-from-web-server",
  name: "nginx runs sh -c",
  run: () =>
    inDirectory(async (dir) => {
      const server = `${dir}/nginx`;
      copyFileSync(realpathSync("/bin/bash"), server);
      chmodSync(server, 0o755);
      const { status, signal, stdout, stderr } = await runToEnd(server, [
        "--norc",
        "-c",
        "/bin/sh -c 'echo $$'; exit $?",
      ]);
      const pid = Number(stdout.trim() || NaN);
      return {
        ...{ rule: "shell-from-web-server", binary: realpathSync("/bin/sh"), signal, stderr },
        pid: Number.isNaN(pid) ? null : pid,
        succeeded: status === 0,
      };
    }, "/var/lib"),
};
