import { describeError, exitOf } from "./errors.ts";
import { endWhenReaderLeaves } from "./output/print.ts";
import { runProgram } from "./program.ts";

endWhenReaderLeaves();
try {
  process.exitCode = await runProgram(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${describeError(error, Boolean(process.env["REEVE_DEBUG"]))}\n`);
  process.exitCode = exitOf(error);
}
