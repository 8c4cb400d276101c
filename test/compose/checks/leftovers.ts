import { strict as assert } from "node:assert";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "../engine/run.ts";
import { PROJECT, type World } from "../world.ts";
import type { Check } from "./containers.ts";

/** After `down -v` nothing is left. */
export async function checkLeftovers(world: World, check: Check): Promise<void> {
  const containers = await world.containers();
  const ids = containers.map(({ Id }) => Id);
  const agent = containers.find((it) => it.Config.Labels["com.docker.compose.service"] === "agent");
  const programs = agent === undefined ? [] : await programsOf(world, agent.Id);
  await world.compose(["down", "-v"]);

  await check("down -v leaves no container, volume or network", async () => {
    const label = `label=com.docker.compose.project=${PROJECT}`;
    for (const what of [
      ["ps", "-aq"],
      ["volume", "ls", "-q"],
      ["network", "ls", "-q"],
    ]) {
      assert.equal((await world.docker([...what, "--filter", label])).stdout, "", what.join(" "));
    }
  });

  await check("down -v leaves no eBPF program", async () => {
    assert.ok(programs.length > 0, "the agent had programs");
    const left = JSON.parse((await run("bpftool", ["-j", "prog", "show"])).stdout) as { id: number; name: string }[];
    assert.deepEqual(
      left.filter(({ id }) => programs.includes(id)),
      [],
    );
  });

  await check("down -v leaves no cgroup and no mount", async () => {
    const mounts = readFileSync("/proc/self/mounts", "utf8");
    const left: string[] = [];
    for (const line of mounts.split("\n")) {
      const [, at = "", type = ""] = line.split(" ");
      if (ids.some((id) => at.includes(id))) left.push(at);
      if (type !== "cgroup" && type !== "cgroup2") continue;
      for (const dir of ["", "docker"]) {
        for (const name of list(join(at, dir))) {
          if (name === "reeve.slice" || ids.some((id) => name.includes(id))) left.push(join(at, dir, name));
        }
      }
    }
    assert.deepEqual(left, []);
  });
}

/** Ids of the eBPF programs that the processes of a container hold. */
async function programsOf(world: World, container: string): Promise<number[]> {
  const { stdout } = await world.docker(["top", container, "-o", "pid"]);
  const found = new Set<number>();
  for (const pid of stdout
    .split("\n")
    .map(Number)
    .filter((it) => it > 0)) {
    for (const fd of list(`/proc/${pid}/fdinfo`)) {
      const id = /^prog_id:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/fdinfo/${fd}`, "utf8"))?.[1];
      if (id !== undefined) found.add(Number(id));
    }
  }
  return [...found];
}

function list(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch {
    return [];
  }
}
