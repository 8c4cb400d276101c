import { describe, expect, test } from "vitest";
import { alertId, contentDigest, decisionMessageId, formatEventId, parseEventId } from "../../bus/ids.ts";
import { partitionOf } from "../../bus/partition.ts";
import {
  alertSubject,
  decisionSubject,
  desiredKey,
  eventSubject,
  findingSubject,
  parseAlertSubject,
  parseDecisionSubject,
  parseDesiredKey,
  parseEventSubject,
} from "../../bus/subjects.ts";
import { decodeToken, encodeToken } from "../../bus/tokens.ts";

const NAMES = [
  "web-1",
  "a.b",
  "",
  "=",
  "=41",
  "*",
  ">",
  "a b",
  "über",
  "日本",
  "a/b",
  "enforcement/contain",
  "\u0000",
  "😀",
  "x".repeat(300),
];

describe("tokens", () => {
  test.each(NAMES)("%j comes back", (name) => {
    const token = encodeToken(name);
    expect(token).toMatch(/^[A-Za-z0-9_=-]+$/);
    expect(decodeToken(token)).toBe(name);
  });

  test("are different for different names", () => {
    expect(new Set(NAMES.map((name) => encodeToken(name))).size).toBe(NAMES.length);
  });

  test("are as documented", () => {
    expect(encodeToken("db.2")).toBe("db=2E2");
    expect(encodeToken("ü")).toBe("=C3=BC");
    expect(encodeToken("")).toBe("=");
  });

  test.each(["a.b", "=4", "=zz", "=2e", "=41", "a b", "", "=C3", "=FF", "*", ">"])("%j is none", (token) => {
    expect(decodeToken(token)).toBeNull();
  });
});

describe("subjects", () => {
  test.each(NAMES)("with %j come back", (name) => {
    expect(parseEventSubject(eventSubject("process_exec", name))).toEqual({
      partition: partitionOf(name),
      kind: "process_exec",
      node: name,
    });
    expect(parseAlertSubject(alertSubject("high", name))).toEqual({ severity: "high", rule: name });
    expect(parseDecisionSubject(decisionSubject(name))).toEqual({ policy: name, decider: null });
    expect(parseDecisionSubject(decisionSubject(name, "ci"))).toEqual({ policy: name, decider: "ci" });
    expect(parseDesiredKey(desiredKey(name))).toEqual({ id: name, node: null });
    expect(parseDesiredKey(desiredKey("x", name))).toEqual({ id: "x", node: name });
  });

  test("are as documented", () => {
    expect(eventSubject("process_exec", "web-1")).toBe(`reeve.events.${partitionOf("web-1")}.process_exec.web-1`);
    expect(findingSubject("critical", "reverse-shell")).toBe("reeve.findings.critical.reverse-shell");
    expect(alertSubject("critical", "reverse-shell")).toBe("reeve.alerts.critical.reverse-shell");
    expect(decisionSubject("enforcement/contain")).toBe("reeve.decisions.enforcement=2Fcontain");
  });

  test.each([
    "reeve.events.99.process_exec.web-1",
    `reeve.events.${(partitionOf("web-1") + 1) % 32}.process_exec.web-1`,
    `reeve.events.0${partitionOf("web-1")}x.process_exec.web-1`,
    "reeve.events.1.process_exec",
    "reeve.events.1.process_exec.a.b",
    "reeve.alerts.1.process_exec.web-1",
    "reeve.events..process_exec.web-1",
    "",
  ])("%j is no event subject", (subject) => {
    expect(parseEventSubject(subject)).toBeNull();
  });

  test.each(["reeve.decisions", "reeve.decisions.a.b.c", "reeve.decisions.=zz", "x.decisions.a"])(
    "%j is no decision subject",
    (subject) => {
      expect(parseDecisionSubject(subject)).toBeNull();
    },
  );

  test.each(["all", "all.a.b", "node.a", "node.a.b.c", "other.a", ""])("%j is no key of the desired state", (key) => {
    expect(parseDesiredKey(key)).toBeNull();
  });
});

describe("partitions", () => {
  test("never change", () => {
    expect(["web-1", "web-2", "db", "", "日本"].map((name) => partitionOf(name))).toMatchInlineSnapshot(`
      [
        31,
        18,
        3,
        5,
        17,
      ]
    `);
  });

  test("spread a fleet evenly", () => {
    const counts = Array.from({ length: 32 }, () => 0);
    for (let i = 0; i < 3200; i++) counts[partitionOf(`ip-10-0-${i >> 8}-${i & 255}`)]!++;
    expect(Math.min(...counts)).toBeGreaterThan(60);
    expect(Math.max(...counts)).toBeLessThan(150);
  });
});

describe("ids", () => {
  test("of events come back, and their node may be any name", () => {
    const id = { node: "a/b", boot: "6f3c", epoch: 12, kind: "process_exec", seq: 4711 };
    expect(formatEventId({ ...id, node: "web-1" })).toBe("web-1/6f3c/12/process_exec/4711");
    expect(parseEventId(formatEventId(id))).toEqual(id);
    expect(parseEventId("web-1/6f3c/12/process_exec")).toBeNull();
    expect(parseEventId("web 1/6f3c/12/process_exec/1")).toBeNull();
  });

  test("of alerts and decisions are the same for the same, and no others", () => {
    expect(alertId("r", "e")).toBe(alertId("r", "e"));
    expect(alertId("r", "e")).toMatch(/^[0-9a-f]{32}$/);
    expect(alertId("ra", "b")).not.toBe(alertId("r", "ab"));
    expect(decisionMessageId("p", "a", 1)).not.toBe(decisionMessageId("p", "a", 2));
    expect(contentDigest(Buffer.from("abc"))).toBe(
      "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    );
  });
});
