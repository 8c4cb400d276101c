import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { CGROUPS, selector } from "../../../enforce/host.ts";
import { CONNECTS, OPENS } from "./programs.ts";
import { Rig } from "./rig.ts";

const EPERM = -1;

let rig: Rig;
let exempt: string;
beforeAll(() => {
  rig = new Rig((cgroup) => {
    exempt = `${cgroup}/exempt`;
    mkdirSync(join(CGROUPS, exempt));
    return { exempt: [{ cgroup: exempt }] };
  });
});
afterAll(() => rig[Symbol.asyncDispose]());

it("what is marked exempt is denied nothing by LSM, whatever the selector says", async () => {
  const scope = { cgroup: rig.cgroup };
  const secret = join(rig.directory, "secret");
  writeFileSync(secret, "");
  const { refused } = rig.apply([
    selector({ hook: "file_open", scope, match: [{ field: "file.path", op: "in", values: [secret] }] }),
    selector({ hook: "process_exec", scope, match: [{ field: "process.binary", op: "suffix", values: ["/true"] }] }),
    selector({ hook: "network_connect", scope, match: [{ field: "socket.dport", op: "in", values: [9005] }] }),
  ]);
  expect(refused).toEqual([]);
  const script = `/bin/true; echo $?; ${OPENS} open ${secret}; exec ${CONNECTS} tcp 127.0.0.1 9005 send 127.0.0.1 9005`;
  const inside = await rig.run(script);
  expect([inside.out, ...inside.truths.map(({ result }) => result)]).toEqual(["126", EPERM, EPERM, EPERM]);
  const spared = await rig.run(script, exempt);
  expect([spared.out, ...spared.truths.map(({ result }) => result >= 0)]).toEqual(["0", true, true, true]);
  expect(rig.takeDenials().length).toBe(4);
});
