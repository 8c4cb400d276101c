import { execFileSync } from "node:child_process";

/** Functions that call one another, the outermost first, each with the bytes of stack that it touches. */
export interface CallChain {
  /** What the verifier adds up for all of them. */
  bytes: number;
  functions: string[];
}

interface BpfFunction {
  bytes: number;
  calls: Set<string>;
}

/** Kernels round each function's part up: to 16 from 6.7 or so, before that to this. */
const ROUND = 32;

/** The deepest chain of calls of each program of an object. */
export function deepestChains(path: string): Map<string, CallChain> {
  const functions = functionsOf(path);
  const called = new Set<string>();
  for (const { calls } of functions.values()) for (const callee of calls) called.add(callee);
  const known = new Map<string, CallChain>();
  const chain = (name: string): CallChain => {
    const before = known.get(name);
    if (before !== undefined) return before;
    const { bytes, calls } = functions.get(name)!;
    const below = [...calls].map(chain).reduce((a, b) => (b.bytes > a.bytes ? b : a), { bytes: 0, functions: [] });
    const own = Math.ceil(Math.max(bytes, 1) / ROUND) * ROUND;
    const whole = { bytes: own + below.bytes, functions: [`${name} (${bytes})`, ...below.functions] };
    known.set(name, whole);
    return whole;
  };
  return new Map([...functions.keys()].filter((name) => !called.has(name)).map((name) => [name, chain(name)]));
}

function functionsOf(path: string): Map<string, BpfFunction> {
  const text = execFileSync("llvm-objdump", ["-d", "-r", "--no-show-raw-insn", path], { encoding: "utf8" });
  const functions = new Map<string, BpfFunction>();
  let one: BpfFunction = { bytes: 0, calls: new Set() };
  /** The register that holds the frame's end since the last line. */
  let copy: string | undefined;
  for (const line of text.split("\n")) {
    const label = /^[\da-f]+ <(\w+)>:$/.exec(line)?.[1];
    if (label !== undefined && !label.startsWith("LBB"))
      functions.set(label, (one = { bytes: 0, calls: new Set<string>() }));
    const callee = /R_BPF_64_32\s+(\w+)/.exec(line)?.[1];
    if (callee !== undefined) one.calls.add(callee);
    const touched = /\(r10 - (0x[\da-f]+|\d+)\)/.exec(line)?.[1];
    const moved = copy === undefined ? undefined : new RegExp(`\\b${copy} \\+= -(\\d+)$`).exec(line)?.[1];
    one.bytes = Math.max(one.bytes, Number(touched ?? 0), Number(moved ?? 0));
    copy = /(r\d) = r10$/.exec(line)?.[1];
  }
  return functions;
}
