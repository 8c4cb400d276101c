import { PARTITIONS } from "../../bus/partition.ts";
import { EngineError } from "../errors.ts";

/** `0-15`, `0,4-7` as numbers in rising order. @throws EngineError `load` */
export function parsePartitions(text: string): number[] {
  const found = new Set<number>();
  for (const part of text.split(",")) {
    const range = /^\s*(\d+)(?:-(\d+))?\s*$/.exec(part);
    const from = Number(range?.[1]);
    const to = Number(range?.[2] ?? range?.[1]);
    if (range === null || from > to || to >= PARTITIONS) {
      const allowed = `numbers and ranges from 0 to ${PARTITIONS - 1}, such as 0-15 or 0,4-7`;
      throw new EngineError("load", `engine.partitions: "${part}" is not one (allowed: ${allowed})`);
    }
    for (let n = from; n <= to; n++) found.add(n);
  }
  return [...found].sort((a, b) => a - b);
}
