import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { probeRungs, type RungProbe } from "../../../agent/kernel/probe.ts";

const rungs = probeRungs();
writeFileSync(join(process.env["GUEST_FILES"]!, "rungs.json"), JSON.stringify(rungs));

test.each([...new Set(rungs.map((rung) => rung.hook))])("%s has a rung on this kernel that the agent uses", (hook) => {
  expectOne(hook, (rung) => rung.ok);
});

test.each(["process_exec", "network_connect"])("%s can deny on this kernel", (hook) => {
  expectOne(hook, (rung) => rung.can_deny);
});

function expectOne(hook: string, able: (rung: RungProbe) => boolean): void {
  const used = rungs.filter((rung) => rung.hook === hook && rung.used);
  if (!used.some(able)) expect.fail(`none of ${JSON.stringify(used, null, 1)}`);
}
