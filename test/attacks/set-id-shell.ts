import { chmodSync, chownSync, copyFileSync, realpathSync } from "node:fs";
import { inDirectory, runToEnd } from "./attack.ts";
import type { Attack } from "./attack.ts";

const NOBODY = 65_534;

/** A copy of bash with root's set-user-id bit, run by another user with -p. Needs root to set it up. */
export const setIdShell: Attack = {
  rule: "set-id-shell",
  name: "a set-uid bash",
  run: () =>
    inDirectory(async (dir) => {
      const binary = `${dir}/bash`;
      copyFileSync(realpathSync("/bin/bash"), binary);
      chownSync(binary, 0, 0);
      chmodSync(binary, 0o4755);
      chmodSync(dir, 0o755);
      const { pid, status, signal, stdout, stderr } = await runToEnd(binary, ["-p", "-c", "echo $EUID"], {
        uid: NOBODY,
        gid: NOBODY,
      });
      return { rule: "set-id-shell", pid, binary, succeeded: status === 0 && stdout.trim() === "0", signal, stderr };
    }, "/var/lib"),
};
