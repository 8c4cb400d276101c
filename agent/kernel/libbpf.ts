import koffi, { type LibraryHandle } from "koffi";
import { KernelError } from "./errors.ts";
import { libc, type Pointer } from "./libc.ts";

/** The part of libbpf's API (1.1 and newer) that the agent uses. Negative ints are -errno; null pointers set errno. */
export interface Libbpf {
  bpf_object__open_mem(bytes: Uint8Array, size: number, options: Uint8Array | null): Pointer;
  bpf_object__load(object: Pointer): number;
  bpf_object__close(object: Pointer): void;
  bpf_object__next_program(object: Pointer, previous: Pointer): Pointer;
  bpf_object__next_map(object: Pointer, previous: Pointer): Pointer;
  bpf_object__find_program_by_name(object: Pointer, name: string): Pointer;
  bpf_object__find_map_by_name(object: Pointer, name: string): Pointer;
  bpf_program__name(program: Pointer): string;
  bpf_program__section_name(program: Pointer): string;
  bpf_program__set_autoload(program: Pointer, autoload: boolean): number;
  bpf_program__fd(program: Pointer): number;
  bpf_program__attach(program: Pointer): Pointer;
  bpf_program__attach_cgroup(program: Pointer, fd: number): Pointer;
  bpf_program__attach_iter(program: Pointer, options: null): Pointer;
  bpf_link__fd(link: Pointer): number;
  bpf_link__destroy(link: Pointer): number;
  bpf_iter_create(linkFd: number): number;
  bpf_map__name(map: Pointer): string;
  bpf_map__fd(map: Pointer): number;
  bpf_map__is_internal(map: Pointer): boolean;
  bpf_map__type(map: Pointer): number;
  bpf_map__key_size(map: Pointer): number;
  bpf_map__value_size(map: Pointer): number;
  bpf_map__max_entries(map: Pointer): number;
  bpf_map__set_max_entries(map: Pointer, entries: number): number;
  bpf_map__reuse_fd(map: Pointer, fd: number): number;
  bpf_map__initial_value(map: Pointer, size: BigUint64Array): Pointer;
  bpf_map__set_initial_value(map: Pointer, data: Uint8Array, size: number): number;
  bpf_map_create(
    type: number,
    name: string,
    keySize: number,
    valueSize: number,
    maxEntries: number,
    options: Uint8Array,
  ): number;
  bpf_map_lookup_elem(fd: number, key: Uint8Array, value: Uint8Array): number;
  bpf_map_update_elem(fd: number, key: Uint8Array, value: Uint8Array, flags: number): number;
  bpf_map_delete_elem(fd: number, key: Uint8Array): number;
  bpf_map_get_next_key(fd: number, key: Uint8Array | null, next: Uint8Array): number;
  bpf_map_update_batch(
    fd: number,
    keys: Uint8Array,
    values: Uint8Array,
    count: Uint32Array,
    options: Uint8Array,
  ): number;
  bpf_map_freeze(fd: number): number;
  bpf_obj_get_info_by_fd(fd: number, info: Uint8Array, size: Uint32Array): number;
  bpf_enable_stats(type: number): number;
  bpf_prog_load(
    type: number,
    name: string,
    license: string,
    instructions: Uint8Array,
    count: number,
    options: Uint8Array,
  ): number;
  bpf_raw_tracepoint_open(name: null, program: number): number;
  libbpf_find_vmlinux_btf_id(name: string, attachType: number): number;
  libbpf_num_possible_cpus(): number;
  ring_buffer__new(fd: number, callback: bigint, context: Pointer, options: null): Pointer;
  ring_buffer__consume(ring: Pointer): number;
  ring_buffer__free(ring: Pointer): void;
}

const DECLARATIONS: Record<keyof Libbpf, string> = {
  bpf_object__open_mem: "void *bpf_object__open_mem(const void *, size_t, const void *)",
  bpf_object__load: "int bpf_object__load(void *)",
  bpf_object__close: "void bpf_object__close(void *)",
  bpf_object__next_program: "void *bpf_object__next_program(void *, void *)",
  bpf_object__next_map: "void *bpf_object__next_map(void *, void *)",
  bpf_object__find_program_by_name: "void *bpf_object__find_program_by_name(void *, const char *)",
  bpf_object__find_map_by_name: "void *bpf_object__find_map_by_name(void *, const char *)",
  bpf_program__name: "const char *bpf_program__name(void *)",
  bpf_program__section_name: "const char *bpf_program__section_name(void *)",
  bpf_program__set_autoload: "int bpf_program__set_autoload(void *, bool)",
  bpf_program__fd: "int bpf_program__fd(void *)",
  bpf_program__attach: "void *bpf_program__attach(void *)",
  bpf_program__attach_cgroup: "void *bpf_program__attach_cgroup(void *, int)",
  bpf_program__attach_iter: "void *bpf_program__attach_iter(void *, void *)",
  bpf_link__fd: "int bpf_link__fd(void *)",
  bpf_link__destroy: "int bpf_link__destroy(void *)",
  bpf_iter_create: "int bpf_iter_create(int)",
  bpf_map__name: "const char *bpf_map__name(void *)",
  bpf_map__fd: "int bpf_map__fd(void *)",
  bpf_map__is_internal: "bool bpf_map__is_internal(void *)",
  bpf_map__type: "int bpf_map__type(void *)",
  bpf_map__key_size: "uint32_t bpf_map__key_size(void *)",
  bpf_map__value_size: "uint32_t bpf_map__value_size(void *)",
  bpf_map__max_entries: "uint32_t bpf_map__max_entries(void *)",
  bpf_map__set_max_entries: "int bpf_map__set_max_entries(void *, uint32_t)",
  bpf_map__reuse_fd: "int bpf_map__reuse_fd(void *, int)",
  bpf_map__initial_value: "void *bpf_map__initial_value(void *, void *)",
  bpf_map__set_initial_value: "int bpf_map__set_initial_value(void *, const void *, size_t)",
  bpf_map_create: "int bpf_map_create(int, const char *, uint32_t, uint32_t, uint32_t, const void *)",
  bpf_map_lookup_elem: "int bpf_map_lookup_elem(int, const void *, void *)",
  bpf_map_update_elem: "int bpf_map_update_elem(int, const void *, const void *, uint64_t)",
  bpf_map_delete_elem: "int bpf_map_delete_elem(int, const void *)",
  bpf_map_get_next_key: "int bpf_map_get_next_key(int, const void *, void *)",
  bpf_map_update_batch: "int bpf_map_update_batch(int, const void *, const void *, void *, const void *)",
  bpf_map_freeze: "int bpf_map_freeze(int)",
  bpf_obj_get_info_by_fd: "int bpf_obj_get_info_by_fd(int, void *, void *)",
  bpf_enable_stats: "int bpf_enable_stats(int)",
  bpf_prog_load: "int bpf_prog_load(int, const char *, const char *, const void *, size_t, const void *)",
  bpf_raw_tracepoint_open: "int bpf_raw_tracepoint_open(const char *, int)",
  libbpf_find_vmlinux_btf_id: "int libbpf_find_vmlinux_btf_id(const char *, int)",
  libbpf_num_possible_cpus: "int libbpf_num_possible_cpus(void)",
  ring_buffer__new: "void *ring_buffer__new(int, void *, void *, void *)",
  ring_buffer__consume: "int ring_buffer__consume(void *)",
  ring_buffer__free: "void ring_buffer__free(void *)",
};

const LIBBPF_DEBUG = 2;
const SAID_MAX = 40;

let loaded: Libbpf | undefined;
let said: string[] = [];

/**
 * libbpf.so.1, loaded once.
 * @throws KernelError `library` when it is not installed or too old, with what to install.
 */
export function libbpf(): Libbpf {
  if (loaded !== undefined) return loaded;
  try {
    const library = koffi.load("libbpf.so.1");
    const calls: Record<string, unknown> = {};
    for (const [name, declaration] of Object.entries(DECLARATIONS)) calls[name] = library.func(declaration);
    hearLibbpf(library);
    loaded = calls as unknown as Libbpf;
    return loaded;
  } catch (cause) {
    throw new KernelError("library", "libbpf.so.1 (1.1 or newer) cannot be loaded; install libbpf1", { cause });
  }
}

/** Runs `work` and returns with its result what libbpf said meanwhile (warnings and notices, one a line). */
export function hearing<T>(work: () => T): { result: T; said: string } {
  said = [];
  const result = work();
  return { result, said: said.join("\n") };
}

/** libbpf prints through a variadic callback; on x86-64 and arm64 a va_list arrives as a pointer, as vsnprintf takes it. */
function hearLibbpf(library: LibraryHandle): void {
  const text = Buffer.alloc(8192);
  const print = koffi.proto("int reeve_libbpf_print(int level, void *format, void *list)");
  const hear = (level: number, format: Pointer, list: Pointer): number => {
    if (level >= LIBBPF_DEBUG) return 0;
    const length = libc().vsnprintf(text, text.length, format, list);
    said.push(text.toString("utf8", 0, Math.min(length, text.length - 1)).trimEnd());
    if (said.length > SAID_MAX) said.shift();
    return length;
  };
  const setPrint = library.func("void *libbpf_set_print(void *)") as (callback: bigint) => Pointer;
  setPrint(koffi.register(hear, koffi.pointer(print)));
}
