import type { Attack } from "./attack.ts";
import { execFromTmp, scriptFromTmp } from "./exec-from-tmp.ts";
import { filelessExec } from "./fileless-exec.ts";
import { fifoShell, reverseShell } from "./reverse-shell.ts";
import { setIdShell } from "./set-id-shell.ts";
import { shellFromWebServer } from "./shell-from-web-server.ts";

/** One attack or more for each shipped rule. */
export const ATTACKS: readonly Attack[] = [
  execFromTmp(),
  execFromTmp("/dev/shm"),
  scriptFromTmp,
  reverseShell(),
  fifoShell,
  filelessExec,
  shellFromWebServer,
  setIdShell,
];
