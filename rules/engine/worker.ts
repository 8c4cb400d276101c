import { parentPort, workerData } from "node:worker_threads";
import { reasonOf } from "../errors.ts";
import { Evaluator } from "../eval/evaluator.ts";
import { evaluateMessage } from "../eval/message.ts";
import { Strikes } from "../eval/strikes.ts";
import { Tally } from "../eval/tally.ts";
import { Watch } from "../eval/watch.ts";
import { decodeRuleSet } from "../model/rule-set.ts";
import type { WorkerReply, WorkerRequest, WorkerStart } from "./worker-protocol.ts";

// The evaluation thread: one rule set, for its whole life. Messages are evaluated one after the other.
const port = parentPort!;
const send = (reply: WorkerReply): void => port.postMessage(reply);
const start = workerData as WorkerStart;

try {
  const evaluator = new Evaluator(decodeRuleSet(start.bundle), {
    config: start.config,
    memoryMb: start.memoryMb,
    disabled: new Set(start.disabled),
    watch: new Watch(start.watch),
    tally: new Tally(start.tally),
    strikes: new Strikes(start.strikes),
    onDisabled: (id, reason) => send({ type: "disabled", id, reason }),
    onError: (failure) => send({ type: "failure", failure }),
  });
  let last: Promise<void> = Promise.resolve();
  port.on("message", ({ number, origin, data, alone }: WorkerRequest) => {
    last = last.then(async () => {
      const result = await evaluateMessage(evaluator, data, origin, alone);
      send({ type: "result", number, result });
    });
  });
  send({ type: "ready" });
} catch (thrown) {
  send({ type: "broken", reason: reasonOf(thrown) });
}
