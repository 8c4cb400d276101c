import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { probeRungs, type RungProbe } from "../../../agent/kernel/probe.ts";

const rungs = probeRungs();
writeFileSync(join(process.env["GUEST_FILES"]!, "rungs.json"), JSON.stringify(rungs));

test.each([...new Set(rungs.map((rung) => rung.hook))])("%s has a rung on this kernel", (hook) => {
  expectOne(hook, (rung) => rung.used && rung.ok);
});

test.each(["process_exec", "network_connect"])("%s can deny on this kernel", (hook) => {
  expectOne(hook, (rung) => rung.used && rung.can_deny);
});

function expectOne(hook: string, able: (rung: RungProbe) => boolean): void {
  const all = rungs.filter((rung) => rung.hook === hook);
  if (!all.some(able)) expect.fail(`none of ${JSON.stringify(all, null, 1)}`);
}
