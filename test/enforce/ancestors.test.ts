import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import type { Predicate } from "../../bus/types/selector.ts";
import { Host, selector } from "./host.ts";

// What any ancestor ran: a bit that children inherit at fork, whatever becomes of the ancestor.
let host: Host;
let service: string;
let other: string;
let probe: string;
beforeAll(() => {
  host = new Host();
  service = host.copy("/bin/bash", "service/bash");
  other = host.copy("/bin/bash", "other/bash");
  probe = host.copy("/bin/true", "probe");
});
beforeEach(() => host.reopen({}));
afterAll(() => host[Symbol.asyncDispose]());

/** Kills the probe below such ancestors. */
function apply(op: Predicate["op"], ...values: string[]) {
  const match: Predicate[] = [
    { field: "process.binary", op: "in", values: [probe] },
    { field: "ancestors.binary", op, values },
  ];
  const report = host.tables.apply(1, [selector({ hook: "process_exec", scope: { cgroup: host.cgroup }, match })]);
  expect(report.refused).toEqual([]);
}

/** What a shell that runs `script` says; `killed` and `ran` are of probes. */
async function says(shell: string, script: string): Promise<string> {
  return (await host.run(`${shell} -c '${script}' 2>/dev/null`)).out;
}

const PROBE = "probe() { $PROBE && echo ran || echo killed; }";
const run = (shell: string, script: string) => says(shell, `PROBE=${probe}; ${PROBE}; ${script}; true`);

it("holds below the ancestor at any distance, not beside it", async () => {
  apply("in", service);
  expect(await run(service, "probe")).toBe("killed");
  expect(await run(service, `${other} -c "${probe} && echo ran || echo killed; true"`)).toBe("killed");
  const script = join(host.directory, "ask.sh");
  writeFileSync(script, `${probe} && echo ran || echo killed\n`);
  expect(await run(service, `${other} -c "${other} ${script}; true"`)).toBe("killed");
  expect(await run(other, "probe")).toBe("ran");
});

it("is about ancestors: the image that a process runs itself is none, nor one that it ran before", async () => {
  apply("in", service);
  expect(await says(other, `${service} -c "exec ${probe}" && echo ran || echo killed; true`)).toBe("ran");
  apply("in", probe);
  expect(await run(other, "probe")).toBe("ran");
});

it("is inherited by what outlives the ancestor", async () => {
  apply("in", service);
  const script = `(sleep 0.3; ${probe} && echo ran || echo killed) & true`;
  expect(await says(other, `${service} -c "${script}"; sleep 1`)).toBe("killed");
});

it("beginnings, and what must not be among the ancestors", async () => {
  apply("prefix", service.slice(0, -4));
  expect([await run(service, "probe"), await run(other, "probe")]).toEqual(["killed", "ran"]);
  apply("notIn", service);
  expect([await run(service, "probe"), await run(other, "probe")]).toEqual(["ran", "killed"]);
  apply("notPrefix", service.slice(0, -4), service);
  expect([await run(service, "probe"), await run(other, "probe")]).toEqual(["ran", "killed"]);
});

it("holds for what lived when the selector came, and a text that goes leaves nothing behind", async () => {
  const child = host.start(`exec ${service}`);
  const lines: string[] = [];
  child.stdout!.on("data", (data: Buffer) => lines.push(...data.toString().split("\n").filter(Boolean)));
  const ask = async () => {
    lines.length = 0;
    // a shell in between that lived before
    child.stdin!.write(`echo probe >&3\n`);
    while (lines.length < 1) await once(child.stdout!, "data");
    return lines[0];
  };
  const inner = `while read line; do ${probe} && echo ran || echo killed; done`;
  const fifo = join(host.directory, "ask");
  child.stdin!.write(`mkfifo ${fifo}; ${other} -c "${inner}" < ${fifo} 2>/dev/null & exec 3> ${fifo}\n`);
  expect(await ask()).toBe("ran");
  apply("in", service);
  expect(await ask()).toBe("killed");
  // its bit becomes another text's
  apply("in", "/nobody/runs/this");
  expect(await ask()).toBe("ran");
  apply("in", "/nobody/runs/this", service);
  expect(await ask()).toBe("killed");
  host.tables.apply(2, []);
  expect(await ask()).toBe("ran");
  child.kill("SIGKILL");
});

it("64 texts are all that is taken; the selector that is too much is refused, the others apply", () => {
  const one = (i: number) =>
    selector({
      hook: "process_exec",
      scope: { cgroup: host.cgroup },
      match: [{ field: "ancestors.binary", op: "in", values: [`/none/${i}`] }],
    });
  const { applied, refused } = host.tables.apply(
    1,
    Array.from({ length: 65 }, (_, i) => one(i)),
  );
  expect([applied, refused.length]).toEqual([64, 1]);
  expect(refused[0]!.reason).toMatch(/64 binaries of ancestors/);
  // their bits are free once nobody lists them
  host.tables.apply(2, []);
  expect(host.tables.apply(3, [one(100)]).refused).toEqual([]);
});
