import { expect, test } from "vitest";
import { ProcessExitRecord, ProcessSeedRecord, PROCESS_FLAG_NAMES } from "../../agent/generated/records.ts";
import { recordKind } from "../../agent/records/record-reader.ts";

/** A ring's data with one record at `offset`: header filled, the rest by `fill`. */
function ring(kind: number, size: number, fill: (record: Buffer) => void, offset = 64): Buffer {
  const data = Buffer.alloc(offset + size + 64, 0xff);
  const record = data.subarray(offset, offset + size).fill(0);
  record.writeUInt16LE(kind, 0);
  record.writeUInt32LE(size, 4);
  fill(record);
  return data;
}

test("fields are read where they lie, times exactly", () => {
  const time = 2n ** 60n + 1n;
  const data = ring(ProcessExitRecord.KIND, ProcessExitRecord.BYTES, (record) => {
    record.writeBigUInt64LE(time, 8);
    record.writeBigUInt64LE(time + 1n, 16);
    record.writeUInt32LE(4_000_000_000, 32);
    record.writeUInt32LE(9, 44);
    record.writeUInt32LE(1, 48);
  });
  const exit = new ProcessExitRecord().at(data, 64, ProcessExitRecord.BYTES);
  expect([exit.time, exit.keyStart, exit.keyTgid]).toEqual([time, time + 1n, 4_000_000_000]);
  expect([exit.status, exit.signal, exit.coreDumped]).toEqual([0, 9, true]);
  expect(recordKind(data, 64, ProcessExitRecord.BYTES)).toBe(ProcessExitRecord.KIND);
  expect(recordKind(data, 64, 8)).toBe(0);
});

test("tails follow one another; one reader serves many records", () => {
  const reader = new ProcessSeedRecord();
  for (const [binary, cwd, rest] of [
    ["/bin/ä", "/", "a\0b\0"],
    ["", "", ""],
  ] as const) {
    const tails = Buffer.from(binary + cwd + rest);
    const data = ring(ProcessSeedRecord.KIND, ProcessSeedRecord.BYTES + tails.length, (record) => {
      // image begins at 16; its lengths stand at its end
      const lengths = [Buffer.byteLength(binary), cwd.length, 0, 0, rest.length];
      for (const [index, length] of lengths.entries()) record.writeUInt16LE(length, 276 + 2 * index);
      tails.copy(record, ProcessSeedRecord.BYTES);
    });
    reader.at(data, 64, ProcessSeedRecord.BYTES + tails.length);
    expect([reader.binary, reader.cwd, reader.arguments]).toEqual([binary, cwd, rest]);
  }
});

test("a record of another kind or size is an error, never a guess", () => {
  const size = ProcessExitRecord.BYTES;
  const data = ring(ProcessExitRecord.KIND, size, () => {});
  const reader = new ProcessExitRecord();
  const code = (act: () => unknown) => {
    try {
      act();
    } catch (error) {
      return (error as { code?: string }).code;
    }
    return undefined;
  };
  expect(code(() => reader.at(data, 64, size))).toBe(undefined);
  expect(code(() => reader.at(data, 64, size - 1))).toBe("record_size");
  expect(code(() => reader.at(data, 64, size + 8))).toBe("record_size");
  expect(code(() => reader.at(data, data.length - 8, size))).toBe("record_size");
  expect(
    code(() =>
      reader.at(
        ring(1, size, () => {}),
        64,
        size,
      ),
    ),
  ).toBe("record_kind");
  const tail = ring(ProcessSeedRecord.KIND, ProcessSeedRecord.BYTES, (record) => record.writeUInt16LE(1, 276));
  expect(code(() => new ProcessSeedRecord().at(tail, 64, ProcessSeedRecord.BYTES))).toBe("record_size");
});

test("marks have names", () => {
  expect(PROCESS_FLAG_NAMES.find(([, name]) => name === "memfd")).toEqual([256, "memfd"]);
});
