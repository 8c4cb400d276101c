import { runToEnd } from "./attack.ts";
import type { Attack } from "./attack.ts";
import { attackProgram } from "./build.ts";

/** /bin/true is copied into a memfd and executed there. */
export const filelessExec: Attack = {
  rule: "fileless-exec",
  name: "a program in a memfd",
  run: async () => {
    const { pid, status, signal, stderr } = await runToEnd(await attackProgram("fileless_exec"), ["/bin/true"]);
    return { rule: "fileless-exec", pid, binary: "/memfd:payload", succeeded: status === 0, signal, stderr };
  },
};
