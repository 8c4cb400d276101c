import { parseArgs } from "node:util";
import { GUEST_KERNELS } from "../../setup/guests/kernels.mjs";
import { runInGuest, type GuestOptions } from "./lib/guest.ts";
import { testInGuest } from "./lib/vitest.ts";

// node test/guests/run.ts [--kernel NAME]... [--append WORD]... [--command SCRIPT | TEST FILE...]
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    kernel: { type: "string", multiple: true, default: GUEST_KERNELS.map((kernel) => kernel.name) },
    append: { type: "string", multiple: true, default: [] },
    command: { type: "string" },
    cpu: { type: "string" },
  },
});

let failed = false;
for (const kernel of values.kernel) {
  const options: GuestOptions = {
    append: values.append,
    onOutput: (text) => process.stdout.write(text),
    ...(values.cpu === undefined ? {} : { cpu: values.cpu }),
  };
  if (values.command !== undefined) {
    const { code, release, seconds } = await runInGuest(kernel, values.command, options);
    console.log(`${release}: exit code ${code}, boot ${seconds.boot.toFixed(1)} s, ${seconds.command.toFixed(1)} s`);
    failed ||= code !== 0;
    continue;
  }
  const { result, tally } = await testInGuest(kernel, positionals, options);
  console.log(`${result.release}: ${tally.passed} passed, ${tally.failed} failed, ${tally.skipped} skipped`);
  failed ||= tally.failed > 0;
}
process.exitCode = failed ? 1 : 0;
