import { SetupError } from "./errors.mjs";

/**
 * @typedef {object} Step
 * @property {(what: string) => void} doing  something that takes time begins; shown at once
 * @property {(what: string) => void} did    what was done, for the line that closes the step
 */

/**
 * Runs the steps in order and shows each as it goes. A step that finds nothing to do says nothing: when none has, one line
 * says that all is there. The first that fails is shown with what mends it, and ends the run.
 * @param {{ name: string, run: (step: Step) => Promise<void> }[]} steps
 * @param {(line: string) => void} print
 * @returns {Promise<boolean>} whether all went well
 */
export async function runSteps(steps, print) {
  const begin = performance.now();
  let worked = false;
  for (const { name, run } of steps) {
    const start = performance.now();
    /** @type {string | undefined} */
    let done;
    const step = {
      doing: (/** @type {string} */ what) => {
        worked = true;
        print(`setup: ${name}: ${what} …`);
      },
      did: (/** @type {string} */ what) => (done = what),
    };
    try {
      await run(step);
    } catch (error) {
      print(
        `setup: ${name}: FAILED after ${seconds(start)}: ${error instanceof Error ? error.message : String(error)}`,
      );
      if (!(error instanceof SetupError)) throw error;
      if (error.help) print(`       to mend it: ${error.help}`);
      return false;
    }
    if (done !== undefined) print(`setup: ${name}: ${done} (${seconds(start)})`);
  }
  const names = steps.map((step) => step.name).join(", ");
  print(worked ? `setup: ready (${seconds(begin)})` : `setup: all there: ${names} (${seconds(begin)})`);
  return true;
}

/** @param {number} since */
function seconds(since) {
  const value = (performance.now() - since) / 1000;
  return `${value.toFixed(value < 10 ? 2 : 0)} s`;
}
