import { constants } from "node:os";

const SIGNALS = new Map(Object.entries(constants.signals).map(([name, number]) => [number, name]));
// aliases come after the name that counts in Node's table, except for these
SIGNALS.set(6, "SIGABRT");
SIGNALS.set(29, "SIGIO");
SIGNALS.set(31, "SIGSYS");

/** `SIGKILL` for 9; a real-time signal is `SIGRTMIN+n`, a number without name `SIG<n>`. */
export function signalName(signal: number): string {
  const name = SIGNALS.get(signal);
  if (name !== undefined) return name;
  return signal >= 34 && signal <= 64 ? `SIGRTMIN${signal === 34 ? "" : `+${signal - 34}`}` : `SIG${signal}`;
}

/** Capabilities by bit (linux/capability.h). */
/** Capabilities by number. */
export const CAPABILITIES = (
  "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE " +
  "NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN " +
  "SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE " +
  "MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE"
)
  .split(" ")
  .map((name) => `CAP_${name}`);

/** Names of the capabilities in a set; a bit without name is `CAP_<bit>`. */
export function capabilityNames(set: number): string[] {
  const names: string[] = [];
  for (let bit = 0, rest = set; rest > 0; bit++) {
    if (rest % 2 === 1) names.push(CAPABILITIES[bit] ?? `CAP_${bit}`);
    rest = Math.floor(rest / 2);
  }
  return names;
}
