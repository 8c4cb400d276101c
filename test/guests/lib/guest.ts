import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { GuestError } from "./errors.ts";
import { guestInitrd, guestKernel, QEMU, REPO, type Kernel } from "./kernel.ts";

export interface GuestOptions {
  /** More of the kernel's command line, such as `preempt=full`. */
  append?: string[];
  env?: Record<string, string>;
  /** The command's working directory: the repository's root by default. */
  cwd?: string;
  /** MiB of memory; half of it is for files. */
  memory?: number;
  /** What QEMU emulates. */
  cpu?: string;
  /** Seconds that the command may take, after the boot. Emulation is slow, and the machine may be busy. */
  seconds?: number;
  /** Gets stdout and stderr of the command as they come. */
  onOutput?: (text: string) => void;
}

export interface GuestResult {
  code: number;
  /** stdout and stderr of the command. */
  output: string;
  /** What the command left in $GUEST_FILES, by name. */
  files: Map<string, Buffer>;
  release: string;
  /** What the kernel said. */
  console: string;
  seconds: { boot: number; command: number };
}

const BOOT_SECONDS = 120;
const BOOTS = 4;
const LSM = "lsm=landlock,lockdown,yama,integrity,apparmor,bpf";

/**
 * Runs a shell command as root in a guest of its own, which is emulated (TCG), boots in seconds, sees this machine's files
 * at their paths, writes none of them (an overlay in its memory takes what it writes), and may use all of its kernel's
 * eBPF. A file for the caller goes to the directory $GUEST_FILES. REEVE_GUEST is the kernel's name.
 * @param name  a kernel of setup/guests/kernels.mjs: "5.10", "6.1", "6.12", "newest"
 * @throws GuestError
 */
export async function runInGuest(name: string, command: string, options: GuestOptions = {}): Promise<GuestResult> {
  const kernel = guestKernel(name);
  const dir = mkdtempSync(join(tmpdir(), "reeve-guest-"));
  const remove = () => rmSync(dir, { recursive: true, force: true });
  process.once("exit", remove);
  try {
    writeFileSync(join(dir, "initrd"), guestInitrd(kernel));
    for (let boot = 1; ; boot++) {
      const end = await once(kernel, dir, command, options);
      // An emulated kernel now and then dies while it boots; what counts is what happens once the command runs.
      if (end.reached) return result(kernel, dir, end, options);
      if (boot === BOOTS) throw new GuestError("boot", `kernel ${name} did not boot:\n${lastLines(end)}`);
    }
  } finally {
    process.off("exit", remove);
    remove();
  }
}

interface End {
  reached: boolean;
  late: boolean;
  output: string;
  console: string;
  said: string;
  boot: number;
  command: number;
}

/** One start of QEMU to its end. */
function once(kernel: Kernel, dir: string, command: string, options: GuestOptions): Promise<End> {
  const share = join(dir, "share");
  rmSync(share, { recursive: true, force: true });
  mkdirSync(join(share, "files"), { recursive: true });
  writeFileSync(join(share, "command"), script(kernel, command, options));
  const log = join(dir, "console");
  writeFileSync(log, "");
  const start = performance.now();
  // QEMU ends with whoever started it, however that ends.
  const child = spawn("setpriv", ["--pdeathsig", "KILL", QEMU, ...machine(kernel, dir, options)], {
    // Its stdin stays open: at an end of it the output port would be closed too, and the guest block on its next word.
    stdio: ["pipe", "pipe", "pipe"],
  });
  const end: End = { reached: false, late: false, output: "", console: "", said: "", boot: 0, command: 0 };
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    end.output += text;
    options.onOutput?.(text);
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => (end.said += text));
  let ready: number | undefined;
  const watch = setInterval(() => {
    if (ready === undefined && readFileSync(log, "utf8").includes("guest: ready")) ready = performance.now();
    const since = (performance.now() - (ready ?? start)) / 1000;
    if (since < (ready === undefined ? BOOT_SECONDS : (options.seconds ?? 1800))) return;
    end.late = true;
    child.kill("SIGKILL");
  }, 50);
  return new Promise((resolve, reject) => {
    child.once("error", (cause) => {
      clearInterval(watch);
      reject(new GuestError("boot", `cannot start ${QEMU}`, { cause }));
    });
    child.once("close", () => {
      clearInterval(watch);
      end.console = readFileSync(log, "utf8");
      end.reached = end.console.includes("guest: ready");
      end.boot = ((ready ?? performance.now()) - start) / 1000;
      end.command = ready === undefined ? 0 : (performance.now() - ready) / 1000;
      resolve(end);
    });
  });
}

function machine(kernel: Kernel, dir: string, options: GuestOptions): string[] {
  const append = ["console=ttyS0", "quiet", "panic=-1", LSM, ...(options.append ?? [])];
  return [
    // in turn: with a thread for each, processors have run code that another was just patching, and the kernel panicked
    ...["-M", "q35", "-accel", "tcg,thread=single", "-cpu", options.cpu ?? "Nehalem", "-smp", "2"],
    ...["-m", `${options.memory ?? 2048}M`, "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"],
    ...["-kernel", kernel.image, "-initrd", join(dir, "initrd"), "-append", append.join(" ")],
    ...["-chardev", `file,id=console,path=${join(dir, "console")}`, "-serial", "chardev:console"],
    ...["-device", "virtio-serial-pci", "-chardev", "stdio,id=output,signal=off"],
    ...["-device", "virtserialport,chardev=output,name=guest.output"],
    ...["-fsdev", "local,id=root,path=/,security_model=none,readonly=on,multidevs=remap"],
    ...["-device", "virtio-9p-pci,fsdev=root,mount_tag=root"],
    ...["-fsdev", `local,id=share,path=${join(dir, "share")},security_model=none`],
    ...["-device", "virtio-9p-pci,fsdev=share,mount_tag=share"],
  ];
}

function script(kernel: Kernel, command: string, options: GuestOptions): string {
  const path = `${REPO}/node_modules/.bin:${REPO}/.reeve/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`;
  // Temporary files lie in memory, not in the overlay, which tells other device numbers than the kernel has.
  const temporary = REPO.startsWith("/tmp/") ? "/run/tmp" : "/tmp";
  const given = { HOME: "/root", PATH: path, GUEST_FILES: "/run/guest/files", REEVE_GUEST: kernel.name };
  const env = Object.entries({ ...given, TMPDIR: temporary, ...options.env });
  return [
    ...env.map(([name, value]) => `export ${name}=${quoted(value)}`),
    `mkdir -p ${temporary} && mount -t tmpfs -o size=16G,mode=1777 tmpfs ${temporary} || exit 127`,
    `cd ${quoted(options.cwd ?? REPO)} || exit 127`,
    command,
    "",
  ].join("\n");
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function result(kernel: Kernel, dir: string, end: End, options: GuestOptions): GuestResult {
  if (end.late)
    throw new GuestError("time", `the guest took more than ${options.seconds ?? 1800} s:\n${lastLines(end)}`);
  const share = join(dir, "share");
  const code = readdirSync(share).includes("code") ? readFileSync(join(share, "code"), "utf8").trim() : "";
  if (code === "") throw new GuestError("code", `the guest died (kernel ${kernel.release}):\n${lastLines(end)}`);
  const files = new Map<string, Buffer>();
  for (const file of readdirSync(join(share, "files"), { recursive: true, withFileTypes: true })) {
    if (!file.isFile()) continue;
    const path = join(file.parentPath, file.name);
    files.set(path.slice(join(share, "files").length + 1), readFileSync(path));
  }
  const { output, console, boot, command } = end;
  return { code: Number(code), output, files, release: kernel.release, console, seconds: { boot, command } };
}

/** What the command said last, what the kernel said of its end (a panic with its trace is long), and QEMU. */
function lastLines(end: End): string {
  const last = (text: string, count: number) => text.trim().split("\n").slice(-count);
  const lines = end.console.trim().split("\n");
  const fatal = lines.findIndex((line) => /Kernel panic|BUG:|Oops/.test(line));
  const kernel = fatal < 0 ? lines.slice(-40) : lines.slice(fatal, fatal + 40);
  return [...last(end.output, 20), ...kernel, ...last(end.said, 5)].join("\n");
}
