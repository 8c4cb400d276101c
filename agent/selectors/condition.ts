import type { Operator, Predicate } from "../../bus/types/selector.ts";
import { type Network, parseNetwork } from "./address.ts";
import { SelectorError } from "./errors.ts";
import type { FieldOperand } from "./hooks/define.ts";
import type { LineageTexts } from "./lineage-texts.ts";
import { TEXT_OFFSET } from "./operands.ts";

const MAX_TEXT_BYTES = 255;
const WHOLE_MASK = (1n << 64n) - 1n;

/** One predicate on one operand of the tables. A mask matches a value that has any of its bits. */
export type Condition =
  | { type: "text"; operand: number; negative: boolean; texts: string[] }
  | { type: "number"; operand: number; negative: boolean; ranges: [number, number][] }
  | { type: "address"; operand: number; negative: boolean; networks: Network[] }
  | { type: "mask"; operand: number; negative: boolean; mask: bigint }
  | { type: "set"; operand: number; negative: false; member: string }
  /** Some ancestor's binary; the mask has the bits of these texts. */
  | { type: "ancestors"; operand: number; negative: boolean; prefix: boolean; texts: string[]; mask: bigint };

type Values = Predicate["values"];

/**
 * The condition that a predicate is on its field's operand; `lineage` gives bits to what it lists of ancestors.
 * @throws SelectorError `value`, `limit`; `at` says where.
 */
export function conditionOf(
  { op, values }: Predicate,
  operand: FieldOperand,
  at: string,
  lineage: LineageTexts,
): Condition {
  const negative = op.startsWith("not");
  switch (operand.type) {
    case "ancestors": {
      const prefix = op === "prefix" || op === "notPrefix";
      const texts = pathTexts(values, at, true);
      return {
        type: "ancestors",
        operand: operand.operand,
        negative,
        prefix,
        texts,
        mask: lineage.bitsOf(texts, prefix),
      };
    }
    case "text":
      return textCondition(operand, op, values, at);
    case "address":
      return {
        type: "address",
        operand: operand.operand,
        negative,
        networks: values.map((value) => network(value, op, at)),
      };
    case "bit":
      return bitCondition(operand, values, negative, at);
    case "mask":
      return {
        type: "mask",
        operand: operand.operand,
        negative,
        mask: values.reduce((bits, value) => bits | maskOf(value, operand, at), 0n),
      };
    default:
      if (op !== "mask")
        return { type: "number", operand: operand.operand, negative, ranges: ranges(operand, op, values, at) };
      return {
        type: "mask",
        operand: operand.operand,
        negative,
        mask: values.reduce((bits, value) => bits | numberMask(value, operand.most, at), 0n),
      };
  }
}

function textCondition(
  { operand: base, plain = false }: Extract<FieldOperand, { type: "text" }>,
  op: Operator,
  values: Values,
  at: string,
): Condition {
  const offset = TEXT_OFFSET[op] ?? 0;
  const texts = pathTexts(values, at, !plain && offset !== 2);
  return { type: "text", operand: base + offset, negative: op.startsWith("not"), texts };
}

function pathTexts(values: Values, at: string, absolute: boolean): string[] {
  return values.map((value) => {
    if (typeof value !== "string" || value === "" || value.includes("\0"))
      throw new SelectorError("value", `${at}: ${show(value)} is not a path; allowed: non-empty strings`);
    if (Buffer.byteLength(value) > MAX_TEXT_BYTES)
      throw new SelectorError("value", `${at}: ${show(value)} is longer than ${MAX_TEXT_BYTES} bytes`);
    if (absolute && !value.startsWith("/"))
      throw new SelectorError(
        "value",
        `${at}: ${show(value)} is not an absolute path and would never match; allowed: paths that begin with "/", or op suffix`,
      );
    return value;
  });
}

function ranges(
  operand: Extract<FieldOperand, { type: "number" }>,
  op: Operator,
  values: Values,
  at: string,
): [number, number][] {
  const { most, named, names } = operand;
  const isRange = op === "range" || op === "notRange";
  const whole = (value: unknown): value is number =>
    typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= most;
  return values.map((value): [number, number] => {
    if (!isRange && whole(value)) return [value, value];
    if (isRange && Array.isArray(value) && value.length === 2 && value.every(whole) && value[0] <= value[1])
      return [value[0], value[1]];
    const meant = !isRange && typeof value === "string" ? named?.(value) : undefined;
    if (meant !== undefined) return [meant, meant];
    const other = !isRange && names !== undefined ? `, ${names}` : "";
    const allowed = isRange ? `pairs [low, high] of whole numbers` : "whole numbers";
    throw new SelectorError(
      "value",
      `${at}: ${show(value)} is not possible; allowed: ${allowed} from 0 to ${most}${other}`,
    );
  });
}

function network(value: unknown, op: Operator, at: string): Network {
  const needsLength = op === "cidr" || op === "notCidr";
  const parsed = typeof value === "string" ? parseNetwork(value) : undefined;
  if (parsed === undefined || (!needsLength && (value as string).includes("/"))) {
    const allowed = needsLength ? `"address/length", IPv4 or IPv6` : "IPv4 or IPv6 addresses";
    throw new SelectorError("value", `${at}: ${show(value)} is not possible; allowed: ${allowed}`);
  }
  return parsed;
}

function bitCondition(
  operand: Extract<FieldOperand, { type: "bit" }>,
  values: Values,
  negative: boolean,
  at: string,
): Condition {
  const [value, ...more] = new Set(values);
  if (more.length > 0 || (value !== "true" && value !== "false"))
    throw new SelectorError("value", `${at}: ${show(values)} is not possible; allowed: ["true"] or ["false"]`);
  return {
    type: "mask",
    operand: operand.operand,
    negative: negative !== (value === "false"),
    mask: operand.mask,
  };
}

function maskOf(value: unknown, operand: Extract<FieldOperand, { type: "mask" }>, at: string): bigint {
  if (typeof value === "string") {
    const bits = operand.named(value);
    if (bits !== undefined) return bits;
  }
  throw new SelectorError("value", `${at}: ${show(value)} is not possible; allowed: ${operand.names}`);
}

function numberMask(value: unknown, most: number, at: string): bigint {
  if (typeof value === "number" && Number.isInteger(value) && value > 0 && value <= most)
    return BigInt(value) & WHOLE_MASK;
  throw new SelectorError("value", `${at}: ${show(value)} is not a mask; allowed: whole numbers from 1 to ${most}`);
}

/** A value as an error message shows it. */
export function show(value: unknown): string {
  return JSON.stringify(value) ?? String(value);
}
