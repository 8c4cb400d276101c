import { readFileSync } from "node:fs";

let cached: string | undefined;

/** The kernel's boot id (a UUID). Containers share their host's. */
export function bootId(): string {
  cached ??= readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  return cached;
}

/** Its first eight hex digits, as event ids carry it. */
export function shortBootId(): string {
  return bootId().slice(0, 8);
}
