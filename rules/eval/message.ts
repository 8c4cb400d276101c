import { unpackEvents } from "../../bus/event-codec.ts";
import type { Event } from "../../bus/generated/events.ts";
import type { Evaluator } from "./evaluator.ts";
import type { Evaluation } from "./evaluator.ts";
import { checkEvent } from "./event-check.ts";
import type { EventOrigin, Refused, RefusedCode } from "./event-check.ts";

const NEWLINE = 0x0a;

/** What came of a message: findings and decisions of its events, and what of it was refused. */
export interface MessageResult extends Evaluation {
  events: number;
  /** Of them those that nobody looked at, except for kind and node: no rule can concern them, and too many came. */
  unchecked: number;
  refused: Partial<Record<RefusedCode, number>>;
  /** The first refusal in words. */
  refusal: string | null;
}

/**
 * Evaluates the events of a message (NDJSON, maybe compressed). What is no event of this origin is refused and counted. Lines that no rule can
 * find something in are not evaluated, and checked only as far as the evaluator's budget allows.
 */
export async function evaluateMessage(
  evaluator: Evaluator,
  data: Uint8Array,
  origin: EventOrigin,
  alone = false,
): Promise<MessageResult> {
  const result: MessageResult = {
    ...{ findings: [], decisions: [], events: 0, unchecked: 0 },
    refused: {},
    refusal: null,
  };
  const bytes = unpacked(data);
  if (bytes === null) {
    result.refused.not_json = 1;
    result.refusal = "not_json: the message is compressed and cannot be read";
    evaluator.checks.refused(origin.node);
    return result;
  }
  const lines = evaluator.linesOf(bytes, origin);
  evaluator.checks.refill();
  for (let start = 0; start < bytes.length;) {
    const newline = bytes.indexOf(NEWLINE, start);
    const end = newline < 0 ? bytes.length : newline;
    if (end > start) {
      const line = bytes.subarray(start, end);
      if (lines?.concern(start) !== false) await evaluateLine(evaluator, line, origin, alone, result);
      else if (evaluator.checks.take(origin.node)) checkLine(evaluator, line, origin, result);
      else {
        result.events++;
        result.unchecked++;
      }
    }
    start = end + 1;
  }
  return result;
}

function unpacked(data: Uint8Array): Buffer | null {
  try {
    const lines = unpackEvents(data);
    return Buffer.from(lines.buffer, lines.byteOffset, lines.byteLength);
  } catch {
    return null;
  }
}

async function evaluateLine(
  evaluator: Evaluator,
  line: Buffer,
  origin: EventOrigin,
  alone: boolean,
  result: MessageResult,
): Promise<void> {
  const event = checkLine(evaluator, line, origin, result);
  if (event === null) return;
  const { findings, decisions } = await evaluator.evaluate(event, textOf(line, event), alone);
  result.findings.push(...findings);
  result.decisions.push(...decisions);
}

/** The event of a line; null where it is none of this origin, which is counted. */
function checkLine(evaluator: Evaluator, line: Buffer, origin: EventOrigin, result: MessageResult): Event | null {
  const event = parse(line);
  const refused = event === undefined ? NOT_JSON : checkEvent(event, origin);
  if (refused === null) {
    result.events++;
    return event as Event;
  }
  result.refused[refused.code] = (result.refused[refused.code] ?? 0) + 1;
  result.refusal ??= `${refused.code}: ${refused.reason}`;
  evaluator.checks.refused(origin.node);
  return null;
}

const NOT_JSON: Refused = { code: "not_json", reason: "a line is not JSON" };

function parse(line: Buffer): unknown {
  try {
    return JSON.parse(line.toString("utf8"));
  } catch {
    return undefined;
  }
}

/**
 * The event's JSON as the wasm takes it. A lone surrogate ("\ud800") is JSON, but no text: it would end the evaluation of
 * all Rego rules, so whoever chooses a file's name could hide from them.
 */
function textOf(line: Buffer, event: unknown): Uint8Array {
  if (!line.includes("\\ud") && !line.includes("\\uD") && !line.includes("\\u0000")) return line;
  return Buffer.from(
    JSON.stringify(event, (_, value: unknown) =>
      typeof value === "string" ? value.toWellFormed().replaceAll("\0", "\ufffd") : value,
    ),
  );
}
