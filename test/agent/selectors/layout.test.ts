import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect, it } from "vitest";
import { HEADER, SIZES } from "../../../agent/selectors/layout.ts";

interface BtfType {
  id: number;
  kind: string;
  name: string;
  size?: number;
  members?: { name: string; bits_offset: number }[];
}

/** Places of the fields that agent/selectors/layout.ts writes or reads, in bytes. */
const FIELDS: Record<string, Record<string, number>> = {
  match_counters: { hits: 32, would_deny: 40, denied: 48, undecided: 56, rate_limited: 64 },
  tree_mark: { start: 0, set: 8 },
  cgroup_mark: { set: 0, flags: 4 },
  expected_container: { id: 0, parent_set: 64 },
  process_state: { start: 0, sequence: 8, flags: 12, binary: 16 },
  path_text: { length: 0, held: 4, bytes: 16 },
  lineage_text: { bits: 0, path: 4 },
  process_lineage: { start: 0, ancestors: 8, own: 16, sequence: 24 },
  match_entry: { epoch: 0, slot: 8, selectors: 12 },
  match_header: HEADER,
  match_atom: { mask: 0, operand: 8, set: 12, clear: 16 },
  match_key: { low: 0, high: 8, operand: 16, family: 20 },
  match_value: { node: 0 },
  match_node: { class: 0, text: 4 },
  match_prefix: { length: 0, operand: 4, family: 5, data: 8 },
  match_bitmap: { summary: 0, words: 32 },
  match_class: { base: 0, touched: 8, delta: 40 },
  match_delta: { word: 0, bits: 8 },
  match_selector: {
    ...{ deadline: 0, interval: 8, operands: 16, priority: 24, counters: 28, action: 32, mode: 33, rate_per: 34 },
  },
  match_word: { best: 0, kind: 8, selector: 16 },
  match_text: { length: 0, bytes: 8 },
  match_part: { inputs: 0, bitmap: 120 },
  match_frame: { end: 16_384 },
  match_inputs: { unknown: 0 },
  match_pool: { used: 4 },
  match_lengths: { slash: 0, any: 32 },
};

const SOURCE = `#define MATCH_OWN_OPERANDS 6
#include "match.h"
${Object.keys(FIELDS)
  .map((name) => `struct ${name} keep_${name};`)
  .join("\n")}
char LICENSE[] SEC("license") = "GPL";
`;

it("bytes are where the headers say", () => {
  const include = join(import.meta.dirname, "../../../bpf/include");
  const object = `/tmp/reeve-layout-${process.pid}.o`;
  try {
    const flags = ["-O2", "-g", "-target", "bpf", "-mcpu=v3", "-Wno-visibility", `-I${include}`];
    const multiarch = `-I/usr/include/${process.arch === "arm64" ? "aarch64" : "x86_64"}-linux-gnu`;
    execFileSync("clang", [...flags, multiarch, "-D__TARGET_ARCH_x86", "-x", "c", "-c", "-", "-o", object], {
      input: SOURCE,
    });
    const dump = execFileSync("bpftool", ["-j", "btf", "dump", "file", object], { maxBuffer: 1 << 26 });
    const { types } = JSON.parse(dump.toString()) as { types: BtfType[] };
    for (const [name, fields] of Object.entries(FIELDS)) {
      const type = types.find((one) => one.kind === "STRUCT" && one.name === name)!;
      if (name in SIZES) expect([name, type.size]).toEqual([name, SIZES[name as keyof typeof SIZES]]);
      for (const [field, place] of Object.entries(fields))
        expect([name, field, type.members!.find((one) => one.name === field)!.bits_offset / 8]).toEqual([
          name,
          field,
          place,
        ]);
    }
  } finally {
    execFileSync("rm", ["-f", object]);
  }
});
