import { writeFileSync } from "node:fs";
import { release } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { objectsOf, type Probed, probeRungs, type RungProbe } from "../../../agent/kernel/probe.ts";
import { HOOKS } from "../../../bus/types/selector.ts";
import { askedBefore, majorMinor, readResults } from "../lib/results.ts";
import { objectDigests } from "../lib/verify.ts";

// What was recorded of the same code on this kernel is not tried again.
const { known, unrecorded } = askedBefore(objectDigests());
const isKnown = (hook: Probed) => objectsOf(hook).every((object) => known.has(object));
const waits = (hook: Probed) => objectsOf(hook).some((object) => unrecorded.has(object));
const recorded = (readResults(majorMinor(release()))?.rungs ?? []).filter(({ hook }) => isKnown(hook));
const rungs = [...recorded, ...probeRungs((hook) => !isKnown(hook) && !waits(hook))];
writeFileSync(join(process.env["GUEST_FILES"]!, "rungs.json"), JSON.stringify(rungs));

test.for([...HOOKS, "process_seed"] as const)("%s has a rung on this kernel", (hook, context) => {
  context.skip(waits(hook), "no record has its code yet");
  expectOne(hook, (rung) => rung.used && rung.ok);
});

test.for(["process_exec", "network_connect"] as const)("%s can deny on this kernel", (hook, context) => {
  context.skip(waits(hook), "no record has its code yet");
  expectOne(hook, (rung) => rung.used && rung.can_deny);
});

function expectOne(hook: string, able: (rung: RungProbe) => boolean): void {
  const all = rungs.filter((rung) => rung.hook === hook);
  if (!all.some(able)) expect.fail(`none of ${JSON.stringify(all, null, 1)}`);
}
