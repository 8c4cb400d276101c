import { randomBytes } from "node:crypto";
import { readFileSync, rmdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Engine } from "../engine/engine.ts";
import { run } from "../engine/run.ts";
import { makeRoot } from "./image.ts";

const PARENT = "/reeve-test-k8s";

/** The containerd of an engine of our own, spoken to past Docker, as Kubernetes does: it annotates what it starts. */
export class Containerd {
  /** Where its bundles lie, as `agent.container_bundles` has it. */
  readonly bundles: string;
  readonly #engine: Engine;
  readonly #socket: string;
  readonly #root = makeRoot();

  constructor(engine: Engine) {
    if (engine.execRoot === undefined) throw new Error("this engine's containerd is not ours");
    this.#engine = engine;
    this.#socket = join(engine.execRoot, "containerd/containerd.sock");
    this.bundles = join(engine.execRoot, "containerd/daemon/io.containerd.runtime.v2.task/*/{id}/config.json");
  }

  /** Runs a container to its end. */
  async runOnce(
    names: { name: string; image: string },
    command: string[],
  ): Promise<{ status: number; stdout: string; stderr: string }> {
    const id = randomBytes(32).toString("hex");
    const annotations = [
      `io.kubernetes.cri.container-name=${names.name}`,
      `io.kubernetes.cri.image-name=${names.image}`,
    ].flatMap((annotation) => ["--annotation", annotation]);
    const what = ["run", "--rm", "--rootfs", ...annotations, "--cgroup", `${PARENT}/${id}`, this.#root, id];
    return await run("ctr", ["-a", this.#socket, "-n", "reeve-test", ...what, ...command], { env: this.#engine.env });
  }

  close(): void {
    rmSync(this.#root, { recursive: true, force: true });
    for (const line of readFileSync("/proc/self/mounts", "utf8").split("\n")) {
      const [, at, type] = line.split(" ");
      if (at === undefined || !type?.startsWith("cgroup")) continue;
      try {
        rmdirSync(join(at, PARENT));
      } catch {
        // not in this hierarchy
      }
    }
  }
}
