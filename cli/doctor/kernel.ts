import { existsSync, readFileSync, statSync } from "node:fs";
import { release } from "node:os";
import { commandName } from "../command-name.ts";
import { missing, ok, unknown } from "./check.ts";
import type { Check } from "./check.ts";

/** Capabilities that the agent needs, by their bit in CapEff. */
const NEEDED: Record<string, bigint> = {
  CAP_BPF: 39n,
  CAP_PERFMON: 38n,
  CAP_SYS_ADMIN: 21n,
  CAP_NET_ADMIN: 12n,
  CAP_SYS_PTRACE: 19n,
};

export function kernelChecks(): Check[] {
  return [kernelVersion(release(), process.arch), btf(), capabilities(readFileSync("/proc/self/status", "utf8"))];
}

/** @param text as `uname -r` prints it */
export function kernelVersion(text: string, arch: string): Check {
  const found = /^(\d+)\.(\d+)/.exec(text);
  const [major, minor] = [Number(found?.[1] ?? 0), Number(found?.[2] ?? 0)];
  const what = `Linux ${text}, ${arch}`;
  if (major > 5 || (major === 5 && minor >= 8)) return ok("kernel", what);
  return missing("kernel", what, "Reeve needs Linux 5.8 or newer (ring buffer, tp_btf, BTF)");
}

function btf(): Check {
  const path = "/sys/kernel/btf/vmlinux";
  if (existsSync(path)) return ok("BTF", `${path}, ${(statSync(path).size / 1e6).toFixed(1)} MB`);
  return missing(
    "BTF",
    `${path} is not there`,
    "use a kernel built with CONFIG_DEBUG_INFO_BTF (all current distributions)",
  );
}

/** @param status text of /proc/self/status */
export function capabilities(status: string): Check {
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? "0"}`);
  const lacking = Object.keys(NEEDED).filter((name) => (effective & (1n << NEEDED[name]!)) === 0n);
  if (lacking.length === 0) return ok("capabilities", Object.keys(NEEDED).join(", "));
  const detail = `without ${lacking.join(", ")}`;
  if (process.getuid?.() !== 0) return unknown("capabilities", detail, `run it as root: sudo ${commandName()} doctor`);
  return missing("capabilities", detail, "give the container these capabilities, or run Reeve on the host itself");
}
