import { chmodSync, copyFileSync, writeFileSync } from "node:fs";
import { inDirectory, runToEnd } from "./attack.ts";
import type { Attack } from "./attack.ts";

/** A program is copied into /tmp (or another world-writable directory) and run from there. */
export const execFromTmp = (parent = "/tmp"): Attack => ({
  rule: "exec-from-tmp",
  name: `a binary in ${parent}`,
  run: () =>
    inDirectory(async (dir) => {
      const binary = `${dir}/x`;
      copyFileSync("/bin/true", binary);
      chmodSync(binary, 0o755);
      const { pid, status, signal, stderr } = await runToEnd(binary, []);
      return { rule: "exec-from-tmp", pid, binary, succeeded: status === 0, signal, stderr };
    }, parent),
});

/** The same with a script: the binary is the interpreter then. */
export const scriptFromTmp: Attack = {
  rule: "exec-from-tmp",
  name: "a script in /tmp",
  run: () =>
    inDirectory(async (dir) => {
      const script = `${dir}/x.sh`;
      writeFileSync(script, "#!/bin/sh\nexit 0\n", { mode: 0o755 });
      const { pid, status, signal, stderr } = await runToEnd(script, []);
      return { rule: "exec-from-tmp", pid, binary: script, succeeded: status === 0, signal, stderr };
    }, "/tmp"),
};
