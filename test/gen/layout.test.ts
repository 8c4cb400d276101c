import { expect, test } from "vitest";
import { RECORD_KINDS } from "../../agent/generated/records.ts";
import { GenerateError } from "../../bpf/gen/errors.ts";
import { integerAt, leavesOf, readLayouts } from "../../bpf/gen/layout.ts";
import { compileLayouts } from "./compile.ts";

const HEADER = 'struct record_header header DOC("header");';

/** Problems of a record with these fields behind its header. */
function problems(fields: string, before = ""): string[] {
  const struct = `${before}\nstruct process_exit_record { ${HEADER} ${fields} };`;
  try {
    readLayouts(compileLayouts(struct, ["process_exit_record"]));
  } catch (error) {
    if (error instanceof GenerateError) return error.problems;
    throw error;
  }
  return [];
}

test("a record is read whole", () => {
  const fields = `
    struct process_key key DOC("who");
    __u16 text_len DOC("bytes of text");
    __u8 address[4] FMT("ip") DOC("an address");
    __u16 reserved PAD;
    char text[0] LEN("text_len") DOC("text");`;
  const btf = compileLayouts(`struct process_exit_record { ${HEADER} ${fields} };`, ["process_exit_record"]);
  const [record] = readLayouts(btf).records;
  expect([record?.kind, record?.number, record?.struct.size]).toEqual(["process_exit", RECORD_KINDS.process_exit, 48]);
  expect(record && [...leavesOf(record).keys()]).toEqual([
    "key.start",
    "key.self_exec_id",
    "key.tgid",
    "address",
    "text",
  ]);
  expect(record && integerAt(record.struct, "key.tgid")).toEqual({ offset: 32, size: 4 });
});

test.each([
  ["a gap", '__u32 a DOC("a"); __u64 b DOC("b");', "", /field b: 4 bytes of implicit padding before it/],
  ["a gap at the end", '__u64 a DOC("a"); __u32 b DOC("b");', "", /4 bytes of implicit padding at its end/],
  ["a bitfield", '__u64 a : 4 DOC("a"); __u64 b : 60 DOC("b");', "", /field a: is a bitfield/],
  ["size_t", 'size_t a DOC("a");', "typedef unsigned long size_t;", /size_t has no fixed width; allowed are __u8/],
  ["long", 'long a DOC("a");', "", /field a: long has no fixed width/],
  ["a pointer", 'void *a DOC("a");', "", /field a: ptr .*cannot stand in a record/],
  ["no documentation", "__u64 a;", "", /field a: has no DOC/],
  ["an unknown format", '__u64 a DOC("a") FMT("hex");', "", /FMT\("hex"\) is unknown; allowed are boottime/],
  ["an enum that is not there", '__u64 a DOC("a") FMT("enum:nothing");', "", /enum nothing is not in the BTF/],
  ["a tail without length", 'char a[0] DOC("a");', "", /a tail needs LEN/],
  ["a tail whose length is nothing", 'char a[0] DOC("a") LEN("b");', "", /LEN\("b"\) names no integer/],
  ["an array of numbers", '__u32 a[2] DOC("a");', "", /an array of __u32; allowed are/],
])("%s is refused, naming struct and field", (_, fields, before, message) => {
  const found = problems(fields, before);
  expect(found.length).toBeGreaterThan(0);
  expect(found.every((problem) => problem.includes("struct process_exit_record"))).toBe(true);
  expect(found.join("\n")).toMatch(message);
});

test("a record without header and one without a kind are refused", () => {
  expect(() =>
    readLayouts(compileLayouts('struct process_exit_record { __u64 a DOC("a"); };', ["process_exit_record"])),
  ).toThrow(/does not begin with a record_header/);
  expect(() => readLayouts(compileLayouts(`struct odd_record { ${HEADER} };`, ["odd_record"]))).toThrow(
    /enum record_kind has no RECORD_ODD/,
  );
});
