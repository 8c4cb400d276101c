import { closeSync, constants, openSync, readFileSync, readSync } from "node:fs";
import { basename } from "node:path";
import koffi from "koffi";
import { dataSymbols } from "./elf.ts";
import { KernelError, type KernelErrorCode } from "./errors.ts";
import { hearing, libbpf } from "./libbpf.ts";
import { lastErrno, type Pointer } from "./libc.ts";
import { BpfLink } from "./link.ts";
import type { SharedMaps } from "./shared-maps.ts";

export { BpfLink } from "./link.ts";
export { SharedMaps } from "./shared-maps.ts";

export interface OpenOptions {
  /** `const volatile` variables by name; a number must fit the variable's size (1, 2, 4 or 8 bytes). */
  settings?: Record<string, number | bigint>;
  /** Maps by name shared with other objects. */
  maps?: SharedMaps;
  /** Which programs to load; all by default. */
  autoload?: (program: string) => boolean;
  /** Sizes of maps that this object is the first to create; a ring buffer's is in bytes, a power of two of whole pages. */
  maxEntries?: Record<string, number>;
  /** Asks the verifier what its work came to (`verified`), also of a program that it takes. */
  statistics?: boolean;
}

const LOG_BYTES = 1 << 20;
const LOG_LINES = 12;
const OPEN_OPTIONS_BYTES = 80;
const BPF_LOG_STATS = 4;

/** One compiled BPF object: opened, given its settings and maps, loaded, its programs attached. */
export class BpfObject {
  readonly name: string;
  readonly #maps: SharedMaps | undefined;
  readonly #log: Buffer;
  #object: Pointer;
  #loaded = false;

  private constructor(name: string, object: Pointer, log: Buffer, maps: SharedMaps | undefined) {
    this.name = name;
    this.#object = object;
    this.#log = log;
    this.#maps = maps;
  }

  /**
   * Opens `bpf/out/<name>.bpf.o` without loading it.
   * @throws KernelError `open`, `setting` (unknown variable, value that does not fit), `map` (shared map of another shape).
   */
  static open(path: string, options: OpenOptions = {}): BpfObject {
    const name = basename(path).replace(/\.bpf\.o$/, "");
    const bytes = readObject(path);
    const log = Buffer.alloc(LOG_BYTES);
    const { result, said } = hearing(() => {
      const open = libbpf().bpf_object__open_mem(bytes, bytes.length, openOptions(name, log, options.statistics));
      return { open, errno: lastErrno() };
    });
    if (result.open === null)
      throw new KernelError("open", `${path} is not a BPF object`, { errno: result.errno, log: said });
    const object = new BpfObject(name, result.open, log, options.maps);
    try {
      object.#applySettings(bytes, options.settings ?? {});
      object.#chooseMaps(options.maxEntries ?? {});
      if (options.autoload) object.#choosePrograms(options.autoload);
    } catch (error) {
      object.close();
      throw error;
    }
    return object;
  }

  /**
   * Creates the maps and loads the programs.
   * @throws KernelError `load`, whose `log` ends with the verifier's last lines.
   */
  load(): void {
    const { result, said } = hearing(() => libbpf().bpf_object__load(this.#alive()));
    if (result < 0) {
      const log = lastLines(`${said}\n${verifierText(this.#log)}`);
      throw new KernelError("load", `the kernel does not take ${this.name}`, { errno: -result, log });
    }
    this.#loaded = true;
    for (const map of this.#eachMap()) {
      if (!libbpf().bpf_map__is_internal(map)) this.#maps?.add(libbpf().bpf_map__name(map), libbpf().bpf_map__fd(map));
    }
  }

  /** Instructions that the verifier went through for the program that was loaded last; with `statistics` only. */
  get verified(): number | undefined {
    const found = /^processed (\d+) insns/m.exec(verifierText(this.#log));
    return found ? Number(found[1]) : undefined;
  }

  /** Attaches a tracepoint (raw, BTF or plain), or whatever else the program's section names in full. */
  attach(program: string): BpfLink {
    return this.#link(program, "attach", program, (pointer) => libbpf().bpf_program__attach(pointer));
  }

  /** Attaches a cgroup program to the directory `cgroupPath` in the v2 hierarchy, and so to all below it. */
  attachCgroup(program: string, cgroupPath: string): BpfLink {
    const fd = openDirectory(cgroupPath, program);
    try {
      const what = `${program} at ${cgroupPath}`;
      return this.#link(program, "attach", what, (pointer) => libbpf().bpf_program__attach_cgroup(pointer, fd));
    } finally {
      closeSync(fd);
    }
  }

  /** Runs an iterator program over everything it iterates and returns all that it wrote. */
  readIterator(program: string): Uint8Array {
    const link = this.#link(program, "iterator", program, (pointer) =>
      libbpf().bpf_program__attach_iter(pointer, null),
    );
    try {
      const fd = libbpf().bpf_iter_create(link.fd);
      if (fd < 0) throw new KernelError("iterator", `cannot start iterator ${program}`, { errno: -fd });
      try {
        return readAll(fd);
      } catch (cause) {
        throw new KernelError("iterator", `iterator ${program} stopped half way`, { cause });
      } finally {
        closeSync(fd);
      }
    } finally {
      link.close();
    }
  }

  /** Names of all programs, loaded or not. */
  programs(): string[] {
    return [...this.#eachProgram()].map((program) => libbpf().bpf_program__name(program));
  }

  /** The descriptor of a map of this object, owned by it. `.rodata`, `.data` and `.bss` go by those names. */
  mapFd(name: string): number {
    const map = libbpf().bpf_object__find_map_by_name(this.#alive(), name);
    const fd = map === null ? -1 : libbpf().bpf_map__fd(map);
    if (fd < 0) throw new KernelError("map", `${this.name} has no ${this.#loaded ? "" : "loaded "}map ${name}`);
    return fd;
  }

  /** The descriptor of a loaded program, owned by this object. */
  programFd(name: string): number {
    const fd = libbpf().bpf_program__fd(this.#program(name));
    if (fd < 0) throw new KernelError("program", `program ${name} of ${this.name} is not loaded`);
    return fd;
  }

  /** Gives programs and private maps back; links made from it stay until they are closed themselves. */
  close(): void {
    if (this.#object === null) return;
    libbpf().bpf_object__close(this.#object);
    this.#object = null;
  }

  #alive(): Pointer {
    if (this.#object === null) throw new KernelError("closed", `BPF object ${this.name} is closed`);
    return this.#object;
  }

  #program(name: string): Pointer {
    const program = libbpf().bpf_object__find_program_by_name(this.#alive(), name);
    if (program !== null) return program;
    throw new KernelError("program", `${this.name} has no program ${name}; it has ${this.programs().join(", ")}`);
  }

  #link(program: string, code: KernelErrorCode, what: string, attach: (program: Pointer) => Pointer): BpfLink {
    const pointer = this.#program(program);
    const { result, said } = hearing(() => {
      const link = attach(pointer);
      return { link, errno: lastErrno() };
    });
    if (result.link === null) throw new KernelError(code, `cannot attach ${what}`, { errno: result.errno, log: said });
    return new BpfLink(program, result.link);
  }

  *#eachProgram(): Generator<Pointer> {
    const object = this.#alive();
    for (let at = libbpf().bpf_object__next_program(object, null); at !== null;) {
      yield at;
      at = libbpf().bpf_object__next_program(object, at);
    }
  }

  *#eachMap(): Generator<Pointer> {
    const object = this.#alive();
    for (let at = libbpf().bpf_object__next_map(object, null); at !== null;) {
      yield at;
      at = libbpf().bpf_object__next_map(object, at);
    }
  }

  #choosePrograms(autoload: (program: string) => boolean): void {
    for (const program of this.#eachProgram())
      libbpf().bpf_program__set_autoload(program, autoload(libbpf().bpf_program__name(program)));
  }

  #chooseMaps(maxEntries: Record<string, number>): void {
    for (const map of this.#eachMap()) {
      const b = libbpf();
      if (b.bpf_map__is_internal(map)) continue;
      const name = b.bpf_map__name(map);
      const shared = this.#maps?.fd(name);
      if (shared !== undefined) this.#reuse(map, name, shared);
      else if (maxEntries[name] !== undefined) {
        const result = b.bpf_map__set_max_entries(map, maxEntries[name]);
        if (result < 0)
          throw new KernelError("map", `map ${name} cannot have ${maxEntries[name]} entries`, { errno: -result });
      }
    }
  }

  /** Sizes come from the map that is there; type, key and value must be what this object was compiled for. */
  #reuse(map: Pointer, name: string, fd: number): void {
    const b = libbpf();
    const shape = () =>
      `type ${b.bpf_map__type(map)}, key ${b.bpf_map__key_size(map)}, value ${b.bpf_map__value_size(map)}`;
    const wanted = shape();
    const result = b.bpf_map__reuse_fd(map, fd);
    if (result < 0) throw new KernelError("map", `map ${name} cannot be shared with ${this.name}`, { errno: -result });
    if (shape() !== wanted)
      throw new KernelError("map", `map ${name} is there with ${shape()}; ${this.name} wants ${wanted}`);
  }

  #applySettings(elf: Buffer, settings: Record<string, number | bigint>): void {
    if (Object.keys(settings).length === 0) return;
    const symbols = dataSymbols(elf, ".rodata", this.name);
    const map = libbpf().bpf_object__find_map_by_name(this.#alive(), ".rodata");
    if (map === null) throw new KernelError("setting", `${this.name} has no settings`);
    const size = new BigUint64Array(1);
    const initial = libbpf().bpf_map__initial_value(map, size);
    const data = Buffer.from(new Uint8Array(koffi.view(initial, Number(size[0]))));
    for (const [name, value] of Object.entries(settings)) {
      const symbol = symbols.get(name);
      if (symbol === undefined) {
        const known = [...symbols.keys()].join(", ") || "none";
        throw new KernelError("setting", `${this.name} has no setting ${name}; it has ${known}`);
      }
      writeSetting(data, name, symbol, BigInt(value));
    }
    const result = libbpf().bpf_map__set_initial_value(map, data, data.length);
    if (result < 0) throw new KernelError("setting", `cannot set ${this.name}'s settings`, { errno: -result });
  }
}

function writeSetting(data: Buffer, name: string, at: { offset: number; size: number }, value: bigint): void {
  const bits = at.size * 8;
  if (![1, 2, 4, 8].includes(at.size))
    throw new KernelError("setting", `setting ${name} has ${at.size} bytes; only numbers of 1, 2, 4 or 8 can be set`);
  if (value >= 1n << BigInt(bits) || value < -(1n << BigInt(bits - 1)))
    throw new KernelError("setting", `setting ${name} has ${bits} bits; ${value} does not fit`);
  for (let byte = 0; byte < at.size; byte++) data[at.offset + byte] = Number((value >> BigInt(8 * byte)) & 0xffn);
}

function readObject(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new KernelError("open", `cannot read BPF object ${path}; build it with: node bpf/build.mjs`, { cause });
  }
}

/** struct bpf_object_open_opts, up to kernel_log_level: a log buffer that libbpf uses only when a load fails, or for statistics. */
function openOptions(name: string, log: Buffer, statistics = false): Buffer {
  const options = Buffer.alloc(OPEN_OPTIONS_BYTES);
  const objectName = Buffer.from(`${name}\0`);
  keepAlive.set(log, objectName);
  options.writeBigUInt64LE(BigInt(OPEN_OPTIONS_BYTES), 0);
  options.writeBigUInt64LE(koffi.address(objectName), 8);
  options.writeBigUInt64LE(koffi.address(log), 56);
  options.writeBigUInt64LE(BigInt(log.length), 64);
  options.writeUInt32LE(statistics ? BPF_LOG_STATS : 0, 72);
  return options;
}

/** Memory that libbpf reads through a pointer lives as long as the log buffer of its object. */
const keepAlive = new WeakMap<Buffer, Buffer>();

function verifierText(log: Buffer): string {
  const end = log.indexOf(0);
  return log.toString("utf8", 0, end < 0 ? log.length : end);
}

function lastLines(text: string): string {
  const lines = text.split("\n").filter((line) => line.trim() !== "" && !/^(processed \d+ insns|--|-- )/.test(line));
  return lines.slice(-LOG_LINES).join("\n");
}

function openDirectory(path: string, program: string): number {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch (cause) {
    throw new KernelError("attach", `cannot attach ${program}: ${path} is not a cgroup directory`, { cause });
  }
}

function readAll(fd: number): Uint8Array {
  const parts: Buffer[] = [];
  for (;;) {
    const part = Buffer.allocUnsafe(64 * 1024);
    const read = readSync(fd, part, 0, part.length, null);
    if (read === 0) return Buffer.concat(parts);
    parts.push(part.subarray(0, read));
  }
}
