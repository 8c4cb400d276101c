import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { EngineError, reasonOf } from "../errors.ts";
import { HOST_BUILTINS } from "./builtins/table.ts";

const PAGE = 65_536;

/** The SDK: CommonJS, and its types know no Module without the DOM library. */
interface Sdk {
  loadPolicySync(wasm: WebAssembly.Module, memory: { initial: number; maximum: number }, builtins: object): Policy;
}

/** What the SDK loads. Its own `evaluate` copies the input twice and reads the answer by the byte, so it is not used. */
interface Policy {
  setData(data: ArrayBuffer): void;
  readonly mem: WebAssembly.Memory;
  readonly entrypoints: Record<string, number>;
  readonly dataAddr: number;
  /** Where free memory begins: the input is put there, the evaluation uses what follows. */
  readonly dataHeapPtr: number;
  readonly wasmInstance: { exports: { opa_eval: (...args: number[]) => number } };
}

/** The answer of an entry point that holds nothing, which is that of almost all events. */
const NOTHING = Buffer.from('[{"result":[]}]\0');

const require = createRequire(import.meta.url);
const sdk = require("@open-policy-agent/opa-wasm") as Sdk;

// The SDK's own table wins over what a policy is loaded with, and its sprintf and regex.split are not OPA's: sprintf throws
// on a value that does not fit its verb, which would end the evaluation of every rule. So they are taken out of it.
const own = require(join(dirname(require.resolve("@open-policy-agent/opa-wasm")), "builtins/index.js")) as Record<
  string,
  unknown
>;
for (const name of Object.keys(HOST_BUILTINS)) delete own[name];

export interface RegoOptions {
  /** Most memory that the policy may take, in MiB. */
  memoryMb: number;
}

/** A compiled policy with its data. One evaluation at a time; what goes wrong in one leaves the next as it was. */
export class RegoProgram {
  readonly #module: WebAssembly.Module;
  readonly #data: ArrayBuffer;
  readonly #maximum: number;
  #policy: Policy;
  #view = Buffer.alloc(0);

  /** @throws EngineError `load` when the wasm is none, or the data do not fit into the memory */
  constructor(wasm: Uint8Array, data: unknown, options: RegoOptions) {
    this.#maximum = Math.max(8, Math.ceil((options.memoryMb * 1024 * 1024) / PAGE));
    this.#data = bytesOf(Buffer.from(JSON.stringify(data), "utf8"));
    try {
      this.#module = new WebAssembly.Module(new Uint8Array(wasm));
      this.#policy = this.#instantiate();
    } catch (cause) {
      throw new EngineError("load", `the Rego of the rule set cannot be loaded: ${reasonOf(cause)}`, { cause });
    }
  }

  /** Names of the host builtins that the wasm calls. */
  static builtinsOf(wasm: Uint8Array): string[] {
    const module = new WebAssembly.Module(new Uint8Array(wasm));
    const memory = new WebAssembly.Memory({ initial: 5 });
    const none = (): number => 0;
    const names = [
      "opa_abort",
      "opa_println",
      "opa_builtin0",
      "opa_builtin1",
      "opa_builtin2",
      "opa_builtin3",
      "opa_builtin4",
    ];
    const env = { memory, ...Object.fromEntries(names.map((name) => [name, none])) };
    const exports = new WebAssembly.Instance(module, { env }).exports as Record<string, (address?: number) => number>;
    const text = exports["opa_json_dump"]!(exports["builtins"]!());
    const bytes = new Uint8Array(memory.buffer);
    return Object.keys(JSON.parse(Buffer.from(bytes.subarray(text, bytes.indexOf(0, text))).toString()) as object);
  }

  /**
   * The value of an entry point; undefined where it has none. `input` is JSON text (UTF-8), or a value.
   * @throws EngineError `memory` when it needs more memory than it may have, `evaluate` when the policy fails; the
   * message is then OPA's, which begins with `file:line:column`
   */
  evaluate(entry: string, input: unknown): unknown {
    try {
      return this.#run(entry, input instanceof Uint8Array ? input : Buffer.from(JSON.stringify(input)));
    } catch (thrown) {
      const reason = reasonOf(thrown);
      const memory = ranOutOfMemory(thrown);
      // Whatever broke off in the middle leaves its heap as it was then: only a policy's own error is told in good order.
      if (memory || thrown instanceof RangeError || thrown instanceof WebAssembly.RuntimeError)
        this.#policy = this.#instantiate();
      if (memory) {
        const limit = (this.#maximum * PAGE) / 1024 / 1024;
        throw new EngineError("memory", `needs more than ${limit} MiB of memory`, { cause: thrown });
      }
      throw new EngineError("evaluate", reason, { cause: thrown });
    }
  }

  #run(entry: string, input: Uint8Array): unknown {
    const { mem, entrypoints, dataAddr, dataHeapPtr, wasmInstance } = this.#policy;
    const entrypoint = Object.hasOwn(entrypoints, entry) ? entrypoints[entry] : undefined;
    if (entrypoint === undefined) throw new Error(`the rule set has no entry point ${entry}`);
    const missing = dataHeapPtr + input.length - mem.buffer.byteLength;
    if (missing > 0) mem.grow(Math.ceil(missing / PAGE));
    this.#memory().set(input, dataHeapPtr);
    const heap = dataHeapPtr + input.length;
    const address = wasmInstance.exports.opa_eval(0, entrypoint, dataAddr, dataHeapPtr, input.length, heap, 0);
    const memory = this.#memory();
    if (memory.compare(NOTHING, 0, NOTHING.length, address, address + NOTHING.length) === 0) return [];
    const text = memory.toString("utf8", address, memory.indexOf(0, address));
    return (JSON.parse(text) as { result: unknown }[])[0]?.result;
  }

  /** The policy's memory; it is another buffer after it has grown. */
  #memory(): Buffer {
    const { buffer } = this.#policy.mem;
    if (this.#view.buffer !== buffer) this.#view = Buffer.from(buffer);
    return this.#view;
  }

  #instantiate(): Policy {
    const policy = sdk.loadPolicySync(this.#module, { initial: 5, maximum: this.#maximum }, HOST_BUILTINS);
    policy.setData(this.#data);
    return policy;
  }
}

/** OPA's allocator gives up with a text of its own; the memory itself and a builtin's strings with a RangeError. */
function ranOutOfMemory(thrown: unknown): boolean {
  if (thrown instanceof RangeError) return !thrown.message.includes("call stack");
  return typeof thrown === "string" && thrown.startsWith("opa_malloc");
}

/** The bytes alone, in a buffer of their own: what the SDK takes for JSON text. */
function bytesOf(view: Uint8Array): ArrayBuffer {
  return view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength) as ArrayBuffer;
}
