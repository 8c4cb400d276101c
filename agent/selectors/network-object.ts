import { BpfObject, type OpenOptions } from "../kernel/object.ts";
import { KernelError } from "../kernel/errors.ts";
import type { HookAbility } from "./types.ts";

/**
 * Opens and loads bpf/out/network.bpf.o with all that this kernel lets connect programs do: from a trial load with
 * signals, which before 6.13 or so are refused to them. The caller attaches `connect4` and `connect6`, and closes it.
 * @throws KernelError when it does not load without signals either.
 */
export function loadNetwork(path: string, options: OpenOptions): { object: BpfObject; ability: HookAbility } {
  for (const signals of [true, false]) {
    const settings = { ...options.settings, connect_can_signal: signals ? 1 : 0 };
    const object = BpfObject.open(path, { ...options, settings });
    try {
      object.load();
    } catch (error) {
      object.close();
      if (signals && error instanceof KernelError) continue;
      throw error;
    }
    const actions = signals ? (["deny", "kill", "signal"] as const) : (["deny"] as const);
    return { object, ability: { hook: "network_connect", rung: "cgroup", actions } };
  }
  throw new KernelError("load", "network.bpf.o does not load");
}
