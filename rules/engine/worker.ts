import { parentPort, workerData } from "node:worker_threads";
import { EngineBus } from "../../bus/clients/engine.ts";
import { connect } from "../../bus/connection.ts";
import { InHand } from "../../bus/in-hand.ts";
import { createLogger } from "../../bus/log.ts";
import { reasonOf } from "../errors.ts";
import { Evaluator } from "../eval/evaluator.ts";
import { Strikes } from "../eval/strikes.ts";
import { Tally } from "../eval/tally.ts";
import { Watch } from "../eval/watch.ts";
import { decodeRuleSet } from "../model/rule-set.ts";
import { Counters } from "./counters.ts";
import { Reader } from "./reader.ts";
import { Reporter } from "./reporter.ts";
import type { WorkerReply, WorkerRequest, WorkerStart } from "./worker-protocol.ts";

// An evaluation thread: one rule set and one connection, for its whole life. It reads its partitions, evaluates and publishes
// by itself: an event costs no other thread anything.
const port = parentPort!;
const send = (reply: WorkerReply): void => port.postMessage(reply);
const start = workerData as WorkerStart;

try {
  const { config } = start;
  const log = createLogger("engine", config.log.level);
  const counters = new Counters(start.counters);
  const set = decodeRuleSet(start.bundle);
  const reporter = new Reporter(send);
  const evaluator = new Evaluator(set, {
    config: { enforce: config.enforce },
    memoryMb: config.engine.memory_mb,
    disabled: new Set(start.disabled),
    watch: new Watch(start.watch),
    tally: new Tally(start.tally),
    strikes: new Strikes(start.strikes),
    onDisabled: (id, reason) => send({ type: "disabled", id, reason }),
    onError: (failure) => {
      counters.add("rule_errors");
      log.debug({ failure }, "a rule failed");
      reporter.failed(failure);
    },
  });
  // Without waiting: also a thread that is started while the bus is away is ready for it.
  const bus = new EngineBus(await connect("engine", config, { wait: 0 }));
  const reader = new Reader(bus, {
    ...{ evaluator, counters, log },
    kinds: new Set([...set.rules, ...set.policies].flatMap((thing) => thing.on)),
    inHand: new InHand(start.inHand),
    alone: new Set(start.alone),
    onSurvived: (sequence) => send({ type: "survived", sequence }),
    onAlert: (rule) => reporter.alerted(rule),
    onRefused: (subject, reason) => reporter.refused(subject, reason),
  });
  reporter.start(() => {
    counters.set("malformed_subjects", bus.malformed);
    return { windows: reader.windows, connected: bus.bus.connected };
  });
  port.on("message", (request: WorkerRequest) => {
    if (request.type === "disable") evaluator.disable(request.id);
    if (request.type === "partitions") {
      const { number, partitions } = request;
      void reader.setPartitions(partitions).then(() => send({ type: "left", number }));
    }
    if (request.type === "stop") {
      void reader.stop().then(async () => {
        reporter.stop();
        await bus.close();
        send({ type: "stopped" });
      });
    }
  });
  void reader.run();
  send({ type: "ready" });
} catch (thrown) {
  send({ type: "broken", reason: reasonOf(thrown) });
}
