import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { bpf } from "./bpf.mjs";
import { guests } from "./guests/step.mjs";
import { nodeModules } from "./node-modules.mjs";
import { packages } from "./packages.mjs";
import { runSteps } from "./steps.mjs";
import { tools } from "./tools.mjs";

// Called by run.sh with the verb. Plain JavaScript for Node 18: it runs before Node 24 is installed.
const verb = process.argv[2] ?? "up";
const options = {
  repo: resolve(dirname(fileURLToPath(import.meta.url)), ".."),
  test: verb !== "up",
  /** Which guests: those of `npm test` where they can be had, all or nothing for test:guests. */
  guests: verb === "guests" ? "all" : verb === "test" || verb === "setup" ? "test" : "none",
  root: process.getuid?.() === 0,
};

const ok = await runSteps(
  [
    { name: "Debian packages", run: (step) => packages(step, options) },
    { name: "npm packages", run: (step) => nodeModules(step, options) },
    { name: "opa and nats-server", run: (step) => tools(step, options) },
    { name: "BPF objects", run: (step) => bpf(step, options) },
    { name: "guests", run: (step) => guests(step, options) },
  ],
  (line) => console.log(line),
);
process.exitCode = ok ? 0 : 1;
