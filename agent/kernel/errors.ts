import koffi from "koffi";

/** What can go wrong between the agent and the kernel; stable, for callers and for `-o json`. */
export type KernelErrorCode =
  | "library"
  | "open"
  | "setting"
  | "map"
  | "load"
  | "program"
  | "attach"
  | "iterator"
  | "ring"
  | "closed";

export interface KernelErrorDetail {
  /** Positive errno of the failing call. */
  errno?: number;
  /** The last lines of what libbpf and the verifier said. */
  log?: string;
  cause?: unknown;
}

/** A failed call into libbpf or the kernel. `log` holds the verifier's last lines where it had something to say. */
export class KernelError extends Error {
  readonly code: KernelErrorCode;
  readonly errno: number | undefined;
  readonly log: string | undefined;

  constructor(code: KernelErrorCode, message: string, detail: KernelErrorDetail = {}) {
    const errno = detail.errno === undefined ? "" : `: ${errnoName(detail.errno)}`;
    const log = detail.log ? `\n${detail.log}` : "";
    super(`${message}${errno}${log}`, { cause: detail.cause });
    this.name = "KernelError";
    this.code = code;
    this.errno = detail.errno;
    this.log = detail.log;
  }

  /** True when the kernel said no for want of rights (EPERM, EACCES). */
  get refused(): boolean {
    return this.errno === koffi.os.errno["EPERM"] || this.errno === koffi.os.errno["EACCES"];
  }
}

/** The symbolic name of a positive errno, e.g. `EPERM (1)`. */
export function errnoName(errno: number): string {
  if (errno === 524) return "ENOTSUPP (524)"; // the kernel's own, not in any libc table
  for (const [name, value] of Object.entries(koffi.os.errno)) if (value === errno) return `${name} (${errno})`;
  return `errno ${errno}`;
}
