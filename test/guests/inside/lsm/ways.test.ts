import { mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Predicate } from "../../../../bus/types/selector.ts";
import { CGROUPS, selector } from "../../../enforce/host.ts";
import { Rig } from "./rig.ts";
import { type Place, WAYS } from "./ways.ts";

const EPERM = -1;
const KINDS = ["path", "prefix", "inode"] as const;

let rig: Rig;
beforeAll(() => {
  rig = new Rig();
});
afterAll(() => rig[Symbol.asyncDispose]());

function predicates(kind: (typeof KINDS)[number], { secret }: Place): Predicate[] {
  if (kind === "path") return [{ field: "file.path", op: "in", values: [secret] }];
  if (kind === "prefix") return [{ field: "file.path", op: "prefix", values: [`${join(secret, "..")}/`] }];
  const { ino, dev } = statSync(secret);
  return [
    { field: "file.inode", op: "in", values: [ino] },
    { field: "file.device", op: "in", values: [`${Math.floor(dev / 256)}:${dev % 256}`] },
  ];
}

const CASES = WAYS.flatMap((way, index) => KINDS.map((kind) => ({ way, kind, index, holds: way.holds[kind] })));

it.each(CASES)("$way.name against a deny by $kind: holds $holds", async ({ way, kind, index, holds }) => {
  const directory = join(rig.directory, `${index}-${kind}`);
  const place = { directory, secret: join(directory, "kept/secret") };
  mkdirSync(join(place.secret, ".."), { recursive: true });
  writeFileSync(place.secret, "kept");
  way.before?.(place);
  const deny = selector({ hook: "file_open", scope: { cgroup: rig.cgroup }, match: predicates(kind, place) });
  expect(rig.apply([deny]).refused).toEqual([]);
  const script = way.script(place);
  // some enter the scope themselves
  const entering = `echo $$ > ${join(CGROUPS, rig.cgroup)}/cgroup.procs`;
  const ran = script.includes("ENTER;")
    ? rig.run(
        script.replace("ENTER", () => entering),
        "/",
      )
    : rig.run(script);
  const { truths, err } = await ran;
  if (truths.length === 0) expect.fail(err);
  const results = truths.map(({ result }) => (result >= 0 ? "opened" : result === EPERM ? "denied" : result));
  expect(results).toEqual(truths.map(() => (holds ? "denied" : "opened")));
  rig.apply([]);
  rmSync(directory, { recursive: true });
});
