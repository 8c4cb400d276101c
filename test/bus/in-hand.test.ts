import { expect, test } from "vitest";
import { InHand } from "../../bus/in-hand.ts";

test("another thread sees what is taken and not dropped, and which is worked on", () => {
  const own = new InHand();
  const watching = new InHand(own.memory);
  const [a, b] = [own.take("$JS.ACK.a"), own.take("$JS.ACK.b")];
  expect(watching.list()).toEqual(["$JS.ACK.a", "$JS.ACK.b"]);
  own.work(b);
  expect(watching.working).toBe("$JS.ACK.b");
  own.work(-1);
  own.drop(a);
  expect([watching.working, watching.list()]).toEqual([null, ["$JS.ACK.b"]]);
});

test("what there is no room for has no slot, and its drop does nothing", () => {
  const inHand = new InHand();
  expect(inHand.take("x".repeat(300))).toBe(-1);
  const slots = Array.from({ length: 5000 }, () => inHand.take("$JS.ACK.x"));
  expect(slots.filter((slot) => slot < 0)).toHaveLength(5000 - 4096);
  for (const slot of slots) inHand.drop(slot);
  expect(inHand.list()).toEqual([]);
  expect(inHand.take("$JS.ACK.y")).toBeGreaterThanOrEqual(0);
});
