import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, constants, mkdirSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import { OPERAND } from "../../../../agent/selectors/operands.ts";
import type { OracleEvent } from "../../../../agent/selectors/oracle.ts";
import { type Vocabulary, VOCABULARY } from "../../../agent/selectors/random.ts";
import { processFacts } from "../../../enforce/helper.ts";
import { bootNow, CGROUPS } from "../../../enforce/host.ts";
import { OPEN_LOAD } from "./programs.ts";
import type { Rig } from "./rig.ts";

const UIDS = [0, 1000, 65534];
export const FLAGS = [
  ...[constants.O_RDONLY, constants.O_WRONLY, constants.O_RDWR, constants.O_WRONLY | constants.O_APPEND],
  ...[constants.O_RDWR | constants.O_CREAT, constants.O_WRONLY | constants.O_TRUNC],
];

/** test/programs/open-load in a cgroup. */
export class OpenHelper {
  readonly #child: ChildProcess;
  readonly #lines: Interface;

  constructor(child: ChildProcess) {
    this.#child = child;
    this.#lines = createInterface(child.stdout!);
  }

  async line(): Promise<string> {
    return String((await once(this.#lines, "line"))[0]);
  }

  async opens(tries: readonly (readonly [number, string])[]): Promise<string> {
    const answer = this.line();
    this.#child.stdin!.write(`${tries.map((one) => `${one.join(" ")}\n`).join("")}\n`);
    return answer;
  }

  close(): void {
    this.#lines.close();
    this.#child.kill("SIGKILL");
  }
}

/** Who opens, as the naive matcher sees it. */
export interface Opener {
  helper: OpenHelper;
  binary: string;
  facts: ReturnType<typeof processFacts>;
}

/** Processes of several users and binaries in the test's cgroup, files for them, and the words that selectors may use. */
export async function openers(
  rig: Rig,
): Promise<{ helpers: Opener[]; shell: string; files: string[]; words: Vocabulary }> {
  const at = (name: string) => join(rig.directory, name);
  const names = ["a", "ab", "dir/a", "dir/12345678", "dir/deep/er/file.txt", "x".repeat(180), `${"l/".repeat(140)}end`];
  const files = names.map((name) => {
    mkdirSync(dirname(at(name)), { recursive: true });
    writeFileSync(at(name), "");
    return at(name);
  });
  const binaries = ["bin/load", "bin/deep/er/load", "bin/load.sh"].map((name) => rig.copy(OPEN_LOAD, name));
  const shell = rig.copy("/bin/sh", "shells/sh");
  chmodSync(rig.directory, 0o755);
  execFileSync("chmod", ["-R", "a+rwX", rig.directory]);
  const helpers: Opener[] = [];
  for (const [index, binary] of binaries.entries()) {
    const uid = UIDS[index]!;
    const start = `exec setpriv --reuid ${uid} --regid ${uid} --clear-groups ${shell} -c '${binary}; :'`;
    const enter = `echo $$ > ${join(CGROUPS, rig.cgroup)}/cgroup.procs; ${start}`;
    const helper = new OpenHelper(spawn("/bin/sh", ["-c", enter], { stdio: ["pipe", "pipe", "inherit"] }));
    helpers.push({ helper, binary, facts: processFacts(Number(await helper.line())) });
  }
  const words: Vocabulary = {
    ...VOCABULARY,
    paths: [...files, ...binaries, shell, `${at("dir")}/`, "/usr/bin/none"],
    uids: UIDS,
    namespaces: [...Object.values(helpers[0]!.facts.numbers!), 1],
    inodes: [...files.map((path) => statSync(path).ino), 1, 2 ** 40],
  };
  return { helpers, shell, files, words };
}

/** An open of one of them, as the naive matcher sees it. */
export function openEvent(one: Omit<Opener, "helper"> & { shell: string; path: string; flags: number }): OracleEvent {
  const { ino, dev } = statSync(one.path);
  return {
    ...{ binary: one.binary, parent: one.shell, cgroups: new Set(["in"]), trees: new Set<string>(), now: bootNow() },
    path: one.path,
    masks: one.facts.masks!,
    numbers: {
      ...{ ...one.facts.numbers, [OPERAND.own + 3]: ino },
      ...{ [OPERAND.own + 4]: Math.floor(dev / 256) * 2 ** 20 + (dev % 256), [OPERAND.own + 5]: one.flags },
    },
  };
}
