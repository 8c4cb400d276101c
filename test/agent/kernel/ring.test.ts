import { afterAll, beforeAll, expect, test } from "vitest";
import { BpfMap } from "../../../agent/kernel/map.ts";
import { BpfObject } from "../../../agent/kernel/object.ts";
import { RingReader } from "../../../agent/kernel/ring.ts";
import { compileBpf, type Compiled } from "./compile.ts";

const RECORD_BYTES = 48;
const GETPPID = process.arch === "arm64" ? 173 : 110;
const RING_BYTES = 64 * 1024;

let compiled: Compiled;
beforeAll(() => {
  compiled = compileBpf("loader");
});
afterAll(() => compiled.remove());

/** A loaded ring that gets one record for each `produce()`, every seventh discarded. */
function ring(settings: Record<string, number | bigint> = {}) {
  const object = BpfObject.open(compiled.path("loader"), {
    settings: { target_tgid: process.pid, getppid_number: GETPPID, ...settings },
    autoload: (name) => name === "on_getppid",
  });
  object.load();
  const link = object.attach("on_getppid");
  const reader = new RingReader(object.mapFd("ring"), RING_BYTES);
  const counts = BpfMap.fromFd(object.mapFd("counts"));
  return {
    reader,
    counts,
    produce: (times: number) => {
      for (let i = 0; i < times; i++) void process.ppid;
    },
    close: () => {
      reader.close();
      counts.close();
      link.close();
      object.close();
    },
  };
}

test("records arrive whole, in order, once, over many turns of the ring", () => {
  const { reader, produce, close } = ring();
  const numbers: number[] = [];
  const wrong: string[] = [];
  for (let turn = 0; turn < 50; turn++) {
    produce(300);
    reader.drain((data, offset, length) => {
      const number = data.readBigUInt64LE(offset);
      if (length !== RECORD_BYTES || BigInt.asUintN(64, ~number) !== data.readBigUInt64LE(offset + 40))
        wrong.push(`${number}`);
      numbers.push(Number(number));
    });
  }
  expect(wrong).toEqual([]);
  expect(numbers).toEqual(Array.from({ length: 15_000 }, (_, i) => i).filter((i) => i % 7 !== 6));
  expect(reader.pending()).toBe(0);
  close();
});

test("settings of every size reach the program", () => {
  const { reader, produce, close } = ring({ small: 200, big: 0x1234_5678_9abc_def0n, negative: -5 });
  produce(1);
  const seen: bigint[] = [];
  reader.drain((data, offset) => {
    seen.push(data.readBigUInt64LE(offset + 8), data.readBigUInt64LE(offset + 16), data.readBigInt64LE(offset + 24));
  });
  expect(seen).toEqual([200n, 0x1234_5678_9abc_def0n, -5n]);
  close();
});

test("a full ring loses what is new, and goes on after a drain", () => {
  const { reader, produce, counts, close } = ring();
  produce(5000);
  const lost = Number(new BigUint64Array(counts.lookup(new Uint8Array([1, 0, 0, 0]))!.buffer)[0]!);
  expect(lost).toBeGreaterThan(1000);
  let last = -1n;
  const got = reader.drain((data, offset) => {
    last = data.readBigUInt64LE(offset);
  });
  const fitted = Math.floor(RING_BYTES / (RECORD_BYTES + 8));
  expect(got).toBeLessThanOrEqual(fitted);
  expect(got).toBeGreaterThan((fitted * 6) / 7 - 2);
  expect(last).toBeLessThan(5000n - BigInt(lost));
  produce(1);
  reader.drain((data, offset) => {
    last = data.readBigUInt64LE(offset);
  });
  expect(last).toBe(5000n);
  close();
});

test("max bounds a drain, and a record whose reader throws is not read again", () => {
  const { reader, produce, close } = ring();
  produce(5);
  expect(reader.drain(() => {}, 2)).toBe(2);
  expect(() =>
    reader.drain(() => {
      throw new Error("bad record");
    }),
  ).toThrow("bad record");
  const rest: bigint[] = [];
  reader.drain((data, offset) => rest.push(data.readBigUInt64LE(offset)));
  expect(rest).toEqual([3n, 4n]);
  close();
});

test("after close a kept buffer is empty rather than a wild pointer", () => {
  const { reader, produce, close } = ring();
  let kept: Buffer | undefined;
  produce(1);
  reader.drain((data) => {
    kept = data;
  });
  close();
  expect(kept!.length).toBe(0);
  expect(() => reader.drain(() => {})).toThrow("detached");
});

test("a size that is no ring's is refused", () => {
  const { counts, close } = ring();
  expect(() => new RingReader(counts.fd, 5000)).toThrow("a power of two");
  expect(() => new RingReader(counts.fd, 4096)).toThrow("cannot map 4096 bytes of ring buffer");
  close();
});
