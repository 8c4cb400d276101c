import { compare, differentialSet } from "./compare.ts";

// `npm run test:differential [EVALUATIONS [SEED]]`: the index against every rule by jsonata and opa-wasm, on a million
// evaluations (events times rules). Ends with 1 at the first differences.
const wanted = Number(process.argv[2] ?? 1_000_000);
const seed = Number(process.argv[3] ?? Date.now() % 1_000_000);
const set = await differentialSet(60);
let told = 0;
const result = await compare(set, seed, ({ evaluations, differences }) => {
  if (evaluations - told >= 100_000) {
    told = evaluations;
    process.stderr.write(`${evaluations} evaluations\n`);
  }
  return evaluations >= wanted || differences.length >= 3;
});
for (const difference of result.differences) console.log(difference);
const { events, evaluations, findings, fromText } = result;
console.log(
  JSON.stringify({
    seed,
    rules: set.rules.length,
    events,
    from_text: fromText,
    evaluations,
    findings,
    differences: result.differences.length,
  }),
);
process.exitCode = result.differences.length === 0 ? 0 : 1;
