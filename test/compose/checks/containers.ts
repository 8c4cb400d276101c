import { strict as assert } from "node:assert";
import { spawnSync } from "node:child_process";
import type { Container } from "../../../bus/generated/events.ts";
import type { Scope } from "../../../bus/types/selector.ts";
import { until } from "../../bus/harness.ts";
import { Containerd } from "../containers/containerd.ts";
import { describeFirstExecs, measureBothWays, measureBundles } from "../containers/first-execs.ts";
import { IMAGE, LOOP, makeImage, PROBE } from "../containers/image.ts";
import { Stage } from "../containers/stage.ts";
import type { Engine } from "../engine/engine.ts";
import { run } from "../engine/run.ts";

/** Runs a check under a name and counts it. */
export type Check = (name: string, body: () => Promise<void>) => Promise<void>;

const WEB = "reeve-check-web";
const OTHER = "reeve-check-other";
const LABELS = { "com.docker.compose.project": "shop", "com.docker.compose.service": "web", tier: "front" };

/** What an agent makes of the containers of a real engine; nothing else of Reeve runs. */
export async function checkContainers(engine: Engine, check: Check, say: (line: string) => void): Promise<void> {
  await makeImage(engine.env);
  const stage = await Stage.open(engine);
  const web = (name: string) =>
    stage.start(name, ...Object.entries(LABELS).flatMap(([key, value]) => ["--label", `${key}=${value}`]));
  try {
    await stage.startAgent(engine.socket);
    const id = await web(WEB);
    await stage.start(OTHER);
    const named = { id, known: true, name: WEB, image: IMAGE, labels: LABELS, project: "shop", service: "web" };

    await check("the first exec of a container carries its id, name, image, labels, project and service", async () => {
      assert.deepEqual(await containerOf(stage, "process_exec", LOOP, id), named);
    });

    const scopes: Scope[] = [
      { service: "web" },
      { container: { name: WEB } },
      { container: { id: id.slice(0, 12) } },
      { container: { labels: { tier: "front" } } },
      { container: { image: IMAGE, labels: { tier: "front" } }, service: "web" },
    ];
    for (const scope of scopes) {
      await check(`scope ${JSON.stringify(scope)} is in force in its container, and nowhere else`, async () => {
        await stage.forbid(scope);
        assert.equal(await stage.probe(WEB), false);
        assert.equal(await stage.probe(OTHER), true);
        await stage.forbid(undefined);
        assert.equal(await stage.probe(WEB), true);
      });
    }

    await check("every part of a scope must hold", async () => {
      await stage.forbid({ service: "web", container: { image: "another" } });
      assert.equal(await stage.probe(WEB), true);
      await stage.forbid({ service: "web", cgroup: "/docker" });
      assert.equal(await stage.probe(WEB), false);
      assert.equal(await stage.probe(OTHER), true);
      await stage.forbid(undefined);
    });

    await check("a denial says in which container it was", async () => {
      await stage.forbid({ service: "web" });
      assert.equal(await stage.probe(WEB), false);
      assert.deepEqual(await containerOf(stage, "denial", PROBE, id), named);
      await stage.forbid(undefined);
    });

    await check(
      "a container that is renamed leaves the scope of its old name, and its events carry the new one",
      async () => {
        await stage.forbid({ container: { name: WEB } });
        await stage.docker("rename", WEB, `${WEB}-2`);
        await until(() => stage.probe(`${WEB}-2`));
        await stage.docker("rename", OTHER, WEB);
        await until(async () => !(await stage.probe(WEB)));
        await stage.docker("rename", WEB, OTHER);
        await stage.docker("rename", `${WEB}-2`, WEB);
        await until(async () => (await stage.probe(OTHER)) && !(await stage.probe(WEB)));
        await stage.forbid(undefined);
        const names = (await stage.world.events("process_exec")).map((event) => event.process.container?.name);
        assert.ok(names.includes(`${WEB}-2`));
      },
    );

    await check("a container that is started again lies in its scope again", async () => {
      await stage.forbid({ service: "web" });
      await stage.docker("restart", "-t", "0", WEB);
      assert.equal(await stage.probe(WEB), false);
      await stage.forbid(undefined);
    });

    if (engine.own) {
      await check("a runtime that hangs delays no event of the host", async () => {
        process.kill(engine.pid!, "SIGSTOP");
        try {
          spawnSync("/bin/true", ["while-it-hangs"]);
          const seen = async () =>
            (await stage.world.events("process_exec")).some(({ process }) => process.arguments === "while-it-hangs");
          await until(seen, 3_000);
        } finally {
          process.kill(engine.pid!, "SIGCONT");
        }
      });
    }

    if (engine.own) {
      await check("events of a container that nobody names in time go out marked, and are counted", async () => {
        const containerd = new Containerd(engine);
        process.kill(engine.pid!, "SIGSTOP");
        try {
          await containerd.runOnce({ name: "nobody-asks", image: "x" }, [LOOP, "3", PROBE]);
          let probes: (Container | null)[] = [];
          await until(async () => {
            const events = await stage.world.events("process_exec");
            const here = events.filter(({ process }) => process.cgroup.path?.startsWith("/reeve-test-k8s/"));
            probes = here.map(({ process }) => process.container);
            return probes.length === 4;
          }, 3_000);
          assert.deepEqual(
            probes.map((container) => [container?.known, container?.name]),
            probes.map(() => [false, null]),
          );
          const counted = async () => (await stage.world.status())?.counters["events_of_unnamed_container"] ?? 0;
          await until(async () => (await counted()) >= 8, 10_000);
        } finally {
          process.kill(engine.pid!, "SIGCONT");
          containerd.close();
        }
      });
    }

    await stage.removeContainers();
    const { announced, asked } = await measureBothWays(engine, stage, 5);
    say(describeFirstExecs("announced by the runtime", announced));
    say(describeFirstExecs("asked for when the cgroup appears", asked));
    if (engine.execRoot !== undefined) {
      const bundles = await measureBundles(engine, stage, 3);
      say(describeFirstExecs("named by its bundle when the cgroup appears", bundles));
      await check("containerd's containers are known by their OCI bundles", async () => {
        const events = await stage.world.events("denial");
        const { container } = events.at(-1)!.process;
        assert.partialDeepStrictEqual(container, { known: true, name: "reeve-first-execs", image: "shop:2" });
      });
    }
    await check("no exec of a container that the runtime has announced precedes its scope", async () => {
      assert.deepEqual([announced.before.filter((execs) => execs > 0), announced.commands], [[], 0]);
    });
  } finally {
    await stage.close();
    await run("docker", ["rmi", `${IMAGE}:1`, `${IMAGE}:latest`], { env: engine.env });
  }
}

/** The container of the last event of a binary in it, once there is one. */
async function containerOf(
  stage: Stage,
  kind: "process_exec" | "denial",
  binary: string,
  id: string,
): Promise<Container | null> {
  let found: Container | null = null;
  await until(async () => {
    const events = await stage.world.events(kind);
    const event = events.findLast(({ process }) => process.binary === binary && process.container?.id === id);
    found = event?.process.container ?? null;
    return found !== null;
  }, 20_000);
  return found;
}
