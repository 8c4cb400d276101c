import koffi from "koffi";
import { ProcessExecRecord, ProcessExitRecord, ProcessCloneRecord } from "../../agent/generated/records.ts";
import { libbpf } from "../../agent/kernel/libbpf.ts";
import { BpfObject } from "../../agent/kernel/object.ts";
import { type OnRecord, RingReader } from "../../agent/kernel/ring.ts";
import { recordKind } from "../../agent/records/record-reader.ts";
import { compileBpf } from "../agent/kernel/compile.ts";
import { median } from "./lib/statistics.ts";

// How many records does one core decode? `npm run bench:ring [ROUNDS]`: the kernel fills the ring with forks, execs and exits in
// equal number; then they are read, field by field that the process table needs, with the same readers in three ways: in place
// from the mapped ring, the same once more (A/A), and by libbpf's callback through FFI. CPU time of this process counts.
const ROUNDS = Number(process.argv[2] ?? 40);
const WARM_UP = 10;
const RING_BYTES = 8 * 1024 * 1024;
const GETPPID = process.arch === "arm64" ? 173 : 110;

const exec = new ProcessExecRecord();
const fork = new ProcessCloneRecord();
const exit = new ProcessExitRecord();
let checksum = 0;

const decode: OnRecord = (data, offset, length) => {
  switch (recordKind(data, offset, length)) {
    case ProcessExecRecord.KIND: {
      exec.at(data, offset, length);
      checksum += exec.keyTgid + exec.parentTgid + exec.credentialsUid + exec.credentialsAuid + exec.flags;
      checksum += Number(exec.time & 1n) + Number(exec.keyStart & 1n) + exec.cgroupId + exec.binary.length;
      return;
    }
    case ProcessCloneRecord.KIND: {
      fork.at(data, offset, length);
      checksum += fork.keyTgid + fork.parentTgid + fork.sourceTgid + fork.cgroupId + fork.flags;
      checksum += Number(fork.time & 1n) + Number(fork.keyStart & 1n);
      return;
    }
    default: {
      exit.at(data, offset, length);
      checksum += exit.keyTgid + exit.status + exit.signal + Number(exit.time & 1n) + Number(exit.keyStart & 1n);
    }
  }
};

const compiled = compileBpf("ring_bench");
const object = BpfObject.open(compiled.path("ring_bench"), {
  settings: { target_tgid: process.pid, getppid_number: GETPPID },
  maxEntries: { events: RING_BYTES },
});
object.load();
const link = object.attach("fill");
const fd = object.mapFd("events");

/** The last argument of libbpf's callback is the record's size. */
const sample = koffi.proto("int reeve_ring_sample(void *context, void *data, size_t size)");
let ffiCount = 0;
const callback = koffi.register((_context: bigint, data: bigint, size: number | bigint) => {
  const bytes = Buffer.from(koffi.view(data, Number(size)));
  decode(bytes, 0, bytes.length);
  ffiCount++;
  return 0;
}, koffi.pointer(sample));
const ffiRing = libbpf().ring_buffer__new(fd, callback, null, null);

const WAYS: Record<string, () => number> = {
  mapped: readMapped,
  "mapped again": readMapped,
  "libbpf callback": () => {
    ffiCount = 0;
    libbpf().ring_buffer__consume(ffiRing);
    return ffiCount;
  },
};

const rates = new Map<string, number[]>(Object.keys(WAYS).map((name) => [name, []]));
try {
  for (let round = 0; round < WARM_UP + ROUNDS; round++) {
    const names = Object.keys(WAYS);
    for (let i = 0; i < names.length; i++) {
      const name = names[(i + round) % names.length]!;
      fill();
      const before = process.cpuUsage();
      const records = WAYS[name]!();
      const { user, system } = process.cpuUsage(before);
      if (round >= WARM_UP) rates.get(name)!.push(records / ((user + system) / 1e6));
    }
  }
} finally {
  link.close();
  libbpf().ring_buffer__free(ffiRing);
  koffi.unregister(callback);
  object.close();
  compiled.remove();
}
report();

/** Until the ring is full. */
function fill(): void {
  for (let i = 0; i < RING_BYTES / (32 * 600); i++) void process.ppid;
}

function readMapped(): number {
  // a reader of its own each time: the other way moves the ring's position as well
  const reader = new RingReader(fd, RING_BYTES);
  try {
    return reader.drain(decode);
  } finally {
    reader.close();
  }
}

function report(): void {
  const of = (name: string) => median(rates.get(name)!);
  console.log("records decoded per second of CPU time, forks, execs and exits in equal number (median):\n");
  for (const name of rates.keys())
    console.log(
      `  ${name.padEnd(16)} ${Math.round(of(name)).toLocaleString("en").padStart(10)}   ${(1e6 / of(name)).toFixed(3)} us each`,
    );
  console.log(`\n  A/A ratio ${(of("mapped again") / of("mapped")).toFixed(3)}, checksum ${checksum}\n`);
  console.log(
    JSON.stringify({
      records_per_s: Math.round(of("mapped")),
      callback_records_per_s: Math.round(of("libbpf callback")),
      aa_ratio: Number((of("mapped again") / of("mapped")).toFixed(4)),
    }),
  );
}
