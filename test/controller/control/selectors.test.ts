import { beforeEach, describe, expect, test } from "vitest";
import { arm, disarm } from "../../../controller/control/disarm.ts";
import { addSelectors, deleteSelectors, listSelectors } from "../../../controller/control/selectors.ts";
import { DesiredWriter } from "../../../controller/desired/writer.ts";
import { FakeDesired } from "../fake-bus.ts";

const NOW = Date.parse("2026-11-22T10:00:00Z");
const TMP = {
  hook: "process_exec",
  action: "deny",
  match: [{ field: "process.binary", op: "prefix", values: ["/tmp/"] }],
};
let bucket: FakeDesired;
let writer: DesiredWriter;

beforeEach(() => {
  bucket = new FakeDesired();
  writer = new DesiredWriter(bucket);
});

describe("selectors.add", () => {
  test("one for all nodes, without end, enforced", async () => {
    const { added } = await addSelectors({ selectors: [TMP], reason: "no /tmp" }, writer, NOW);
    const id = added[0]?.id ?? "";
    expect(id).toMatch(/^deny-process-exec-[0-9a-f]{16}$/);
    expect(added).toEqual([{ key: `all.${id}`, node: null, id, selectors: [id], ttl: "none", revision: 1 }]);
    expect(bucket.entries.get(`all.${id}`)?.entry).toEqual({
      selectors: [
        {
          ...{ id, hook: "process_exec", action: "deny", mode: "enforce", priority: 0, rate: null, match: TMP.match },
          ...{ scope: {}, because: { person: "operator", reason: "no /tmp" } },
        },
      ],
      hooks: ["process_exec"],
      ttl: "none",
      renewedAt: "2026-11-22T10:00:00.000Z",
    });
  });

  test("several stand in one entry a node, with a lease; again renews", async () => {
    const body = {
      selectors: [
        { ...TMP, id: "a", scope: { nodes: ["n1", "n2"] } },
        { ...TMP, id: "b", scope: { nodes: ["n1"] }, mode: "monitor" },
      ],
      ttl: "10m",
    };
    const { added } = await addSelectors(body, writer, NOW);
    expect(added.map(({ node, selectors, ttl }) => ({ node, selectors, ttl }))).toEqual([
      { node: "n1", selectors: ["a", "b"], ttl: 600_000 },
      { node: "n2", selectors: ["a"], ttl: 600_000 },
    ]);
    await addSelectors(body, writer, NOW + 1_000);
    expect(bucket.entries.size).toBe(2);
    expect(bucket.entries.get("node.n2.a")?.entry.renewedAt).toBe("2026-11-22T10:00:01.000Z");
  });

  test.each<[unknown, string]>([
    [undefined, "selectors is undefined (allowed: a list of 1 to"],
    [{ selectors: [] }, "selectors has 0 elements"],
    [{ selector: [TMP] }, "selector is unknown, did you mean selectors?"],
    [
      { selectors: [TMP], ttl: "1ms" },
      'ttl is "1ms" (allowed: a duration of at least 1s, as "10m" or "1h30m", or "none")',
    ],
    [{ selectors: [TMP, TMP] }, "twice"],
    [{ selectors: [{ ...TMP, id: "disarm" }] }, 'selectors[0].id is "disarm"'],
    [{ selectors: [{ ...TMP, id: "a b" }] }, 'selectors[0].id is "a b"'],
    [
      { selectors: [{ ...TMP, action: "block" }] },
      'selectors[0].action is "block" (allowed: post, noPost, deny, kill, signal)',
    ],
    [
      { selectors: [{ ...TMP, match: [] }] },
      "selectors[0].scope is the whole host and the selector could match /bin/sh",
    ],
    [{ selectors: [{ ...TMP, rate: 0 }] }, "selectors[0].rate is 0"],
  ])("%j", async (body, message) => {
    await expect(addSelectors(body, writer, NOW)).rejects.toMatchObject({
      ...{ code: "invalid_request", message: expect.stringContaining(message) },
    });
    expect(bucket.entries.size).toBe(0);
  });

  test("force takes what could lock people out", async () => {
    await addSelectors({ selectors: [{ ...TMP, match: [] }], force: true }, writer, NOW);
    expect(bucket.entries.size).toBe(1);
  });

  test("never over what an engine decided", async () => {
    await addSelectors({ selectors: [{ ...TMP, id: "x" }] }, writer, NOW);
    const { entry } = bucket.entries.get("all.x") ?? { entry: undefined };
    const decided = { ...entry?.selectors[0], because: { decision: "4" } } as NonNullable<typeof entry>["selectors"][0];
    await writer.put("all.x", (present) => (present === undefined ? null : { ...present, selectors: [decided] }));
    await expect(addSelectors({ selectors: [{ ...TMP, id: "x" }] }, writer, NOW)).rejects.toMatchObject({
      code: "exists",
    });
  });
});

describe("selectors.list and delete", () => {
  test("names, ends and pages", async () => {
    await addSelectors({ selectors: [{ ...TMP, id: "b" }], ttl: "1m" }, writer, NOW);
    await addSelectors({ selectors: [{ ...TMP, id: "a" }] }, writer, NOW);
    const { entries, next } = listSelectors(undefined, writer);
    expect(entries.map(({ key, ends, owner }) => [key, ends, owner])).toEqual([
      ["all.a", null, "person"],
      ["all.b", "2026-11-22T10:01:00.000Z", "person"],
    ]);
    expect(next).toBeNull();
    expect(listSelectors({ after: "all.a" }, writer).entries.map(({ key }) => key)).toEqual(["all.b"]);
  });

  test("a reply never outgrows the bus", async () => {
    const values = Array.from({ length: 9_000 }, (_, index) => `/tmp/${"x".repeat(20)}${index}`);
    for (const id of ["a", "b", "c"]) {
      const match = [{ field: "process.binary", op: "in", values }];
      await addSelectors({ selectors: [{ ...TMP, id, match }] }, writer, NOW);
    }
    const ids: string[] = [];
    let pages = 0;
    for (let after: string | null = ""; after !== null; pages++) {
      const page = listSelectors(after === "" ? {} : { after }, writer);
      expect(JSON.stringify(page).length).toBeLessThan(900_000);
      ids.push(...page.entries.map(({ id }) => id));
      after = page.next;
    }
    expect([ids, pages]).toEqual([["a", "b", "c"], 3]);
  });

  test("by entry, by selector, by node", async () => {
    const scope = { nodes: ["n1", "n2"] };
    await addSelectors(
      {
        selectors: [
          { ...TMP, id: "a", scope },
          { ...TMP, id: "b", scope },
        ],
      },
      writer,
      NOW,
    );
    expect((await deleteSelectors({ id: "b", node: "n1" }, writer)).deleted).toEqual([
      expect.stringMatching(/^node\.n1\.selectors-[0-9a-f]+#b$/),
    ]);
    expect((await deleteSelectors({ id: "a" }, writer)).deleted).toHaveLength(2);
    expect(writer.live.entries().map((live) => [live.node, live.entry.selectors.map(({ id }) => id)])).toEqual([
      ["n2", ["b"]],
    ]);
    await expect(deleteSelectors({ id: "a" }, writer)).rejects.toMatchObject({ code: "not_found" });
    await expect(deleteSelectors({}, writer)).rejects.toMatchObject({ code: "invalid_request" });
  });
});

describe("disarm and arm", () => {
  test("everywhere, a node, back", async () => {
    expect(await disarm({}, writer, NOW)).toEqual({ disarmed: ["all"] });
    expect(await disarm({ node: "n.1" }, writer, NOW)).toEqual({ disarmed: ["all", "n.1"] });
    expect(bucket.entries.get("node.n=2E1.disarm")?.entry).toMatchObject({ disarm: true, selectors: [], ttl: "none" });
    expect(listSelectors({}, writer)).toEqual({ entries: [], disarmed: ["all", "n.1"], next: null });
    expect(await arm({ node: "n.1" }, writer)).toEqual({ armed: ["n.1"], disarmed: ["all"] });
    expect(await arm({}, writer)).toEqual({ armed: ["all"], disarmed: [] });
    await expect(disarm({ nodes: ["a"] }, writer, NOW)).rejects.toMatchObject({ code: "invalid_request" });
  });

  test("arming is told also where the bus knows of no disarm: a signal may have done it", async () => {
    const { revision } = bucket;
    expect(await arm({}, writer)).toEqual({ armed: [], disarmed: [] });
    expect(await arm({ node: "n.1" }, writer)).toEqual({ armed: [], disarmed: [] });
    expect(bucket.revision).toBe(revision + 2);
  });

  test("an entry that cannot be read is taken away as well", async () => {
    bucket.set("all.disarm", { selectors: [], hooks: [], ttl: "none", renewedAt: "" });
    writer.live.apply({ key: "all.disarm", entry: null, revision: bucket.revision, problem: "renewedAt is no time" });
    await arm({}, writer);
    expect(bucket.entries.has("all.disarm")).toBe(false);
    expect(writer.live.malformed()).toEqual([]);
  });
});
