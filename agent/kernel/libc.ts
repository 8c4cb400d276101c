import { constants } from "node:fs";
import koffi from "koffi";

/** An address, as koffi hands it out; null is NULL. */
export type Pointer = bigint | null;

interface Libc {
  mmap(address: Pointer, length: number, protection: number, flags: number, fd: number, offset: number): bigint;
  munmap(address: Pointer, length: number): number;
  fcntl(fd: number, command: number, type: "int", argument: number): number;
  sysconf(name: number): number;
  clock_gettime(clock: number, out: BigInt64Array): number;
  flock(fd: number, operation: number): number;
  open_by_handle_at(mount: number, handle: Uint8Array, flags: number): number;
  eventfd(initial: number, flags: number): number;
  poll: { async(fds: Uint8Array, count: number, ms: number, done: (error: Error | null, ready: number) => void): void };
  getpgid(pid: number): number;
  vsnprintf(out: Uint8Array, size: number, format: Pointer, list: Pointer): number;
}

export const PROT_READ = 1;
export const PROT_WRITE = 2;
export const MAP_SHARED = 1;
const F_DUPFD_CLOEXEC = 1030;
const SC_PAGESIZE = 30;
const CLOCK_BOOTTIME = 7;
const O_DIRECTORY_CLOEXEC = constants.O_DIRECTORY | 0o2000000;
const LOCK_EX_NB = 2 | 4;

let loaded: Libc | undefined;

/** The few calls of the C library that Node does not offer. */
export function libc(): Libc {
  if (loaded !== undefined) return loaded;
  const c = koffi.load("libc.so.6");
  loaded = {
    mmap: c.func("void *mmap(void *, size_t, int, int, int, int64_t)"),
    munmap: c.func("int munmap(void *, size_t)"),
    fcntl: c.func("int fcntl(int, int, ...)"),
    sysconf: c.func("long sysconf(int)"),
    clock_gettime: c.func("int clock_gettime(int, void *)"),
    flock: c.func("int flock(int, int)"),
    open_by_handle_at: c.func("int open_by_handle_at(int, void *, int)"),
    eventfd: c.func("int eventfd(unsigned int, int)"),
    poll: c.func("int poll(void *, unsigned long, int)"),
    getpgid: c.func("int getpgid(int)"),
    vsnprintf: c.func("int vsnprintf(void *, size_t, void *, void *)"),
  };
  return loaded;
}

/** A second descriptor for what `fd` names, closed on exec; -1 with errno set on failure. */
export function duplicateFd(fd: number): number {
  return libc().fcntl(fd, F_DUPFD_CLOEXEC, "int", 3);
}

/** Bytes in a page of this machine. */
export function pageSize(): number {
  return libc().sysconf(SC_PAGESIZE);
}

const time = new BigInt64Array(2);

/** Nanoseconds since boot, suspend included: the clock of every kernel record and lease. */
export function boottime(): bigint {
  libc().clock_gettime(CLOCK_BOOTTIME, time);
  return time[0]! * 1_000_000_000n + time[1]!;
}

/** Takes an exclusive lock on an open file without waiting; false when somebody else holds it. */
export function lockFile(fd: number): boolean {
  return libc().flock(fd, LOCK_EX_NB) === 0;
}

/** Opens the directory that a `struct file_handle` names, in the file system of `mount`; -1 with errno set on failure. */
export function openByHandle(mount: number, handle: Uint8Array): number {
  return libc().open_by_handle_at(mount, handle, O_DIRECTORY_CLOEXEC);
}

/** The errno of the last call through koffi. */
export function lastErrno(): number {
  return koffi.errno();
}
