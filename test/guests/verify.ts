import { verifyPrograms } from "./lib/verify.ts";

// node test/guests/verify.ts [PART OF A NAME]: what this kernel's verifier says to the programs of bpf/out. Needs root.
for (const [program, verdict] of verifyPrograms({ only: process.argv[2] ?? "", logs: true })) {
  const text = typeof verdict === "number" ? `${verdict} instructions` : `REFUSED: ${verdict.log}`;
  console.log(`${program}: ${text}`);
}
