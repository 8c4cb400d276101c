import { describe, expect, test } from "vitest";
import { atom } from "../../../bus/formula/formula.ts";
import { regexFormula } from "../../../rules/formula/regex.ts";
import { formulaText } from "../../../bus/formula/text.ts";
import { compileFormula } from "../../../bus/formula/verify.ts";
import { randomOf } from "../lib/random.ts";

const formulaOf = (source: string, flags = "") =>
  regexFormula(source, flags, (place, text, fold) => atom(place, ["t"], [fold ? text.toLowerCase() : text], fold));

describe("what a regular expression demands", () => {
  test.each([
    ["^/tmp/", 't prefix "/tmp/"'],
    ["\\.sh$", 't suffix ".sh"'],
    ["^(a|b)c$", 't in "ac", "bc"'],
    ["foo.*bar", 't contains "foo" and t contains "bar"'],
    ["colou?r", 't contains "color", "colour"'],
    ["(ab){2}", 't contains "abab"'],
    ["x[12]y", 't contains "x1y", "x2y"'],
    ["a.b|c+", 't contains "c" or (t contains "a" and t contains "b")'],
    ["[a-z]+", "anything"],
    ["a*", "anything"],
    ["(?:^|/)nc( |$)", 't contains "nc"'],
    ["(?i)AbC", 't contains (any case) "abc"'],
    ["\\bshadow\\b", 't contains "shadow"'],
    ["(?=x)y", 't contains "y"'],
  ])("%s", (source, text) => {
    expect(formulaText(formulaOf(source).formula)).toBe(text);
  });

  test.each(["[]a]", "\\pL", "\\Qa.b\\E", "(?i:a)b", "a++", "\\x{41}", "[^]]", "(", "*a"])(
    "%s is not understood, and says so",
    (source) => {
      expect(formulaOf(source)).toEqual({
        formula: true,
        reason: expect.stringMatching(/^the regular expression has/) as string,
      });
    },
  );
});

test("what an expression matches meets its demands", () => {
  const random = randomOf(5);
  const piece = (depth: number): string =>
    random.pick<() => string>([
      () => random.pick(["a", "b", "ab", "\\.", "/", "[ab]", "[^a]", ".", "\\w", "\\b", "k"]),
      () => random.pick(["a", "b", "k"]) + random.pick(["*", "+", "?", "{2}", "{0,1}", "{1,}"]),
      () => (depth > 0 ? `(${whole(depth - 1)})${random.pick(["", "?", "*", "+", "{2}"])}` : "b"),
      () => (depth > 0 ? `(?:${whole(depth - 1)}|${whole(depth - 1)})` : "a"),
    ])();
  const whole = (depth: number): string =>
    random.pick(["", "", "^"]) +
    Array.from({ length: 1 + random.below(3) }, () => piece(depth)).join("") +
    random.pick(["", "", "$"]);
  let matched = 0;
  let refused = 0;
  for (let n = 0; n < 4000; n++) {
    const source = whole(2);
    const flags = random.pick(["", "i", "m"]);
    const regex = new RegExp(source, flags);
    const verify = compileFormula(formulaOf(source, flags).formula);
    for (let m = 0; m < 8; m++) {
      const t = Array.from({ length: random.below(7) }, () =>
        random.pick(["a", "b", "A", ".", "/", "k", "K", "\u212a", "\n"]),
      ).join("");
      const matches = regex.test(t);
      if (matches) matched++;
      if (!verify({ t })) refused++;
      if (matches && !verify({ t })) expect.fail(`/${source}/${flags} matches ${JSON.stringify(t)}`);
    }
  }
  expect(matched).toBeGreaterThan(4000);
  expect(refused).toBeGreaterThan(4000);
});
