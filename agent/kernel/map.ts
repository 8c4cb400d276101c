import { closeSync } from "node:fs";
import { KernelError } from "./errors.ts";
import { libbpf } from "./libbpf.ts";
import { duplicateFd, lastErrno } from "./libc.ts";

/** Kinds of maps, with the kernel's numbers (enum bpf_map_type). */
export const MAP_TYPES = {
  hash: 1,
  array: 2,
  percpu_hash: 5,
  percpu_array: 6,
  lru_hash: 9,
  lru_percpu_hash: 10,
  lpm_trie: 11,
  array_of_maps: 12,
  hash_of_maps: 13,
  ringbuf: 27,
} as const;
export type MapType = keyof typeof MAP_TYPES;

/** Flags of update: create or overwrite, only create, only overwrite. */
export const BPF_ANY = 0;
export const BPF_NOEXIST = 1;
export const BPF_EXIST = 2;
/** Flags of create. */
export const BPF_F_NO_PREALLOC = 1;
export const BPF_F_RDONLY_PROG = 1 << 7;

const ENOENT = 2;
const CREATE_OPTIONS_BYTES = 48;
const BATCH_OPTIONS_BYTES = 24;
const PER_CPU = new Set<number>([MAP_TYPES.percpu_hash, MAP_TYPES.percpu_array, MAP_TYPES.lru_percpu_hash]);

/** One BPF map by descriptor. Keys and values are bytes in the machine's order, of exactly keySize and valueSize. */
export class BpfMap {
  readonly fd: number;
  readonly type: number;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  #open = true;

  private constructor(fd: number, type: number, keySize: number, valueSize: number, maxEntries: number) {
    this.fd = fd;
    this.type = type;
    this.keySize = keySize;
    this.valueSize = valueSize;
    this.maxEntries = maxEntries;
  }

  /** Makes a new map, owned by this object. `innerFd` is the template of a map of maps. */
  static create(o: {
    type: MapType;
    name: string;
    keySize: number;
    valueSize: number;
    maxEntries: number;
    flags?: number;
    innerFd?: number;
  }): BpfMap {
    const options = Buffer.alloc(CREATE_OPTIONS_BYTES);
    options.writeBigUInt64LE(BigInt(CREATE_OPTIONS_BYTES), 0);
    options.writeUInt32LE(o.innerFd ?? 0, 24);
    options.writeUInt32LE(o.flags ?? 0, 28);
    const type = MAP_TYPES[o.type];
    const name = o.name.slice(0, 15);
    const fd = libbpf().bpf_map_create(type, name, o.keySize, o.valueSize, o.maxEntries, options);
    if (fd < 0) throw new KernelError("map", `cannot create ${o.type} map ${o.name}`, { errno: -fd });
    return new BpfMap(fd, type, o.keySize, o.valueSize, o.maxEntries);
  }

  /** A map by somebody else's descriptor; keeps a descriptor of its own. */
  static fromFd(fd: number): BpfMap {
    // struct bpf_map_info: type, id, key_size, value_size, max_entries, ...
    const info = new Uint32Array(20);
    const result = libbpf().bpf_obj_get_info_by_fd(fd, new Uint8Array(info.buffer), new Uint32Array([info.byteLength]));
    if (result < 0) throw new KernelError("map", `descriptor ${fd} is no map`, { errno: -result });
    const own = duplicateFd(fd);
    if (own < 0) throw new KernelError("map", `cannot keep descriptor ${fd}`, { errno: lastErrno() });
    return new BpfMap(own, info[0]!, info[2]!, info[3]!, info[4]!);
  }

  /** The value, or undefined when there is none. A per-CPU map has no single value: lookupPerCpu. */
  lookup(key: Uint8Array): Uint8Array | undefined {
    this.#check(key, this.keySize, "key");
    if (this.#perCpu) throw new KernelError("map", "a per-CPU map is read with lookupPerCpu");
    const value = new Uint8Array(this.valueSize);
    const result = libbpf().bpf_map_lookup_elem(this.fd, key, value);
    if (result === 0) return value;
    if (result === -ENOENT) return undefined;
    throw new KernelError("map", "cannot look up", { errno: -result });
  }

  /** One value for each possible CPU, or undefined when there is none. */
  lookupPerCpu(key: Uint8Array): Uint8Array[] | undefined {
    this.#check(key, this.keySize, "key");
    if (!this.#perCpu) throw new KernelError("map", "not a per-CPU map");
    const stride = (this.valueSize + 7) & ~7;
    const values = new Uint8Array(stride * possibleCpus());
    const result = libbpf().bpf_map_lookup_elem(this.fd, key, values);
    if (result === -ENOENT) return undefined;
    if (result !== 0) throw new KernelError("map", "cannot look up", { errno: -result });
    return Array.from({ length: possibleCpus() }, (_, cpu) =>
      values.subarray(cpu * stride, cpu * stride + this.valueSize),
    );
  }

  /** Writes one value. In a map of maps the value is the inner map's descriptor as 4 bytes. */
  update(key: Uint8Array, value: Uint8Array, flags: number = BPF_ANY): void {
    this.#check(key, this.keySize, "key");
    this.#check(value, this.#perCpu ? ((this.valueSize + 7) & ~7) * possibleCpus() : this.valueSize, "value");
    const result = libbpf().bpf_map_update_elem(this.fd, key, value, flags);
    if (result !== 0) throw new KernelError("map", "cannot update", { errno: -result });
  }

  /** Writes `count` values laid end to end in one system call; where the kind of map has no batches, one by one. */
  updateBatch(keys: Uint8Array, values: Uint8Array, count: number): void {
    if (count === 0) return;
    this.#check(keys, this.keySize * count, "keys");
    this.#check(values, this.valueSize * count, "values");
    const options = Buffer.alloc(BATCH_OPTIONS_BYTES);
    options.writeBigUInt64LE(BigInt(BATCH_OPTIONS_BYTES), 0);
    const done = new Uint32Array([count]);
    const result = libbpf().bpf_map_update_batch(this.fd, keys, values, done, options);
    if (result === 0) return;
    // ENOTSUPP is the kernel's own number; LPM tries have batches since 5.16 only
    if (result !== -524 && result !== -95 && result !== -22)
      throw new KernelError("map", `cannot update ${count} entries (${done[0]} done)`, { errno: -result });
    for (let i = 0; i < count; i++) {
      this.update(
        keys.subarray(i * this.keySize, (i + 1) * this.keySize),
        values.subarray(i * this.valueSize, (i + 1) * this.valueSize),
      );
    }
  }

  /** Removes an entry; false when it was not there. */
  delete(key: Uint8Array): boolean {
    this.#check(key, this.keySize, "key");
    const result = libbpf().bpf_map_delete_elem(this.fd, key);
    if (result === 0) return true;
    if (result === -ENOENT) return false;
    throw new KernelError("map", "cannot delete", { errno: -result });
  }

  /** All keys, each a fresh array. Entries that come or go meanwhile may be seen, missed or seen twice. */
  *keys(): Generator<Uint8Array> {
    let previous: Uint8Array | null = null;
    for (;;) {
      const next: Uint8Array = new Uint8Array(this.keySize);
      const result = libbpf().bpf_map_get_next_key(this.fd, previous, next);
      if (result === -ENOENT) return;
      if (result !== 0) throw new KernelError("map", "cannot walk", { errno: -result });
      yield next;
      previous = next;
    }
  }

  *entries(): Generator<[Uint8Array, Uint8Array]> {
    for (const key of this.keys()) {
      const value = this.lookup(key);
      if (value !== undefined) yield [key, value];
    }
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    closeSync(this.fd);
  }

  get #perCpu(): boolean {
    return PER_CPU.has(this.type);
  }

  /** The kernel reads and writes as many bytes as the map says, whatever was handed over. */
  #check(bytes: Uint8Array, size: number, what: string): void {
    if (!this.#open) throw new KernelError("closed", "the map is closed");
    if (bytes.length !== size) throw new KernelError("map", `${what} has ${bytes.length} bytes; the map takes ${size}`);
  }
}

let cpus: number | undefined;

/** How many CPUs this machine could have: the length of every per-CPU value. */
export function possibleCpus(): number {
  return (cpus ??= libbpf().libbpf_num_possible_cpus());
}
