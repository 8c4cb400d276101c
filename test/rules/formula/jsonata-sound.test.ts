import { expect, test } from "vitest";
import { JsonataProgram } from "../../../rules/eval/jsonata-program.ts";
import { interpretJsonata } from "../../../rules/formula/jsonata/interpret.ts";
import { formulaText } from "../../../bus/formula/text.ts";
import { compileFormula } from "../../../bus/formula/verify.ts";
import { LISTS, randomCondition, randomEvent } from "../lib/random-jsonata.ts";
import { randomOf } from "../lib/random.ts";

test("whatever meets a condition meets its formula", async () => {
  const random = randomOf(11);
  let held = 0;
  let excluded = 0;
  for (let n = 0; n < 6000; n++) {
    const source = randomCondition(random, random.pick([1, 1, 2, 2, 3]));
    const program = new JsonataProgram(source, LISTS);
    const { formula } = interpretJsonata(source, LISTS);
    const verify = compileFormula(formula);
    for (let m = 0; m < 4; m++) {
      const event = randomEvent(random);
      const holds = await program.interpret(event).catch(() => false);
      const may = verify(event);
      if (holds) held++;
      if (!may) excluded++;
      if (holds && !may) expect.fail(`${source} holds of ${JSON.stringify(event)}, but not ${formulaText(formula)}`);
    }
  }
  expect(held).toBeGreaterThan(1000);
  expect(excluded).toBeGreaterThan(3000);
});
