import type { ChildProcess } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { createInterface, type Interface } from "node:readline";
import { NAMESPACES, OPERAND } from "../../agent/selectors/operands.ts";
import type { OracleEvent } from "../../agent/selectors/oracle.ts";
import { ancestorBinaries } from "./ancestors.ts";

/** What of a process the naive matcher asks for, as /proc tells it. */
export function processFacts(pid: number): Pick<OracleEvent, "numbers" | "masks" | "ancestors"> {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const field = (name: string, at: number) => new RegExp(`^${name}:\\s+(.*)$`, "m").exec(status)![1]!.split(/\s+/)[at]!;
  const namespaces = NAMESPACES.map((name, index) => [
    OPERAND.namespace + index,
    statSync(`/proc/${pid}/ns/${name}`).ino,
  ]);
  return {
    ancestors: ancestorBinaries(pid),
    numbers: {
      [OPERAND.uid]: Number(field("Uid", 0)),
      [OPERAND.gid]: Number(field("Gid", 0)),
      [OPERAND.auid]: Number(readFileSync(`/proc/${pid}/loginuid`, "utf8")),
      ...(Object.fromEntries(namespaces) as Record<number, number>),
    },
    masks: {
      [OPERAND.capEffective]: BigInt(`0x${field("CapEff", 0)}`),
      [OPERAND.capPermitted]: BigInt(`0x${field("CapPrm", 0)}`),
      [OPERAND.properties]: 0n,
    },
  };
}

export type Try = readonly [address: string, port: number, protocol: "udp" | "tcp"];

/** test/programs/match-load (or another that answers line by line) as a process. */
export class ConnectHelper {
  readonly child: ChildProcess;
  readonly #lines: Interface;
  #pid = 0;
  #waiting: ((line: string) => void) | undefined;
  #answers: string[] = [];

  private constructor(child: ChildProcess) {
    this.child = child;
    this.#lines = createInterface(child.stdout!);
    this.#lines.on("line", (line) => {
      if (this.#waiting) this.#waiting(line);
      else this.#answers.push(line);
    });
  }

  /** `child` prints the program's pid, and becomes or starts it. */
  static async start(child: ChildProcess): Promise<ConnectHelper> {
    const helper = new ConnectHelper(child);
    // a shell that starts it in the background may be the later one to write
    const said = [await helper.#line(), await helper.#line()];
    if (!said.includes("ready")) throw new Error(`the helper did not start: ${said.join(", ")}`);
    helper.#pid = Number(said.find((line) => line !== "ready"));
    return helper;
  }

  get pid(): number {
    return this.#pid;
  }

  /** Connects once for each; whether it was denied. */
  async denied(tries: readonly Try[]): Promise<boolean[]> {
    this.child.stdin!.write(tries.map((one) => `1 ${one.join(" ")}\n`).join(""));
    const answers: boolean[] = [];
    while (answers.length < tries.length) answers.push((await this.#line()).endsWith(" 1"));
    return answers;
  }

  /** Writes a line and returns the answer. */
  ask(line: string): Promise<string> {
    this.child.stdin!.write(`${line}\n`);
    return this.#line();
  }

  /** Connects many times: CPU nanoseconds of one connect, and how many were denied. */
  async load(count: number, [address, port, protocol]: Try): Promise<{ ns: number; denied: number }> {
    this.child.stdin!.write(`${count} ${address} ${port} ${protocol}\n`);
    const [ns, denied] = (await this.#line()).split(" ").map(Number);
    return { ns: ns!, denied: denied! };
  }

  close(): void {
    this.#lines.close();
    this.child.kill("SIGKILL");
  }

  #line(): Promise<string> {
    const there = this.#answers.shift();
    if (there !== undefined) return Promise.resolve(there);
    return new Promise((resolve) => {
      this.#waiting = (line) => {
        this.#waiting = undefined;
        resolve(line);
      };
    });
  }
}
