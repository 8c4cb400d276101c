import { setTimeout as sleep } from "node:timers/promises";
import { AgentBus } from "../../../bus/clients/agent.ts";
import { eventSubject } from "../../../bus/subjects.ts";
import type { TestBus } from "../../bus/harness.ts";
import { exec } from "../../rules/helpers.ts";

/** What was published, by whoever knows it: the programs of the events that rules find. */
export interface Truth {
  events: number;
  /** One finding each. */
  marks: Set<string>;
  /** Findings of one window, by node. */
  windowed: Map<string, number>;
}

export interface FleetOptions {
  nodes: readonly string[];
  /** Events a second, of all nodes together. */
  rate: number;
  seconds: number;
}

const TICK_MS = 10;
const BATCH = 64;
const MARK_EVERY = 100;
const WINDOWED_EVERY = 50;
const MARKER = "@@";

/** Publishes events as agents do, at a steady rate, and says what they were once all are stored. */
export async function publishAsFleet(bus: TestBus, options: FleetOptions): Promise<Truth> {
  const { nodes, rate, seconds } = options;
  const agents = await Promise.all(nodes.map(async (node) => new AgentBus(await bus.connect("agent", node))));
  const truth: Truth = { events: 0, marks: new Set(), windowed: new Map(nodes.map((node) => [node, 0])) };
  const templates = nodes.map((node) => template(node));
  const stored: Promise<void>[] = [];
  const start = performance.now();
  for (let turn = 0; ; turn++) {
    const elapsed = performance.now() - start;
    if (elapsed > seconds * 1000) break;
    while (truth.events < (rate * elapsed) / 1000) {
      const n = turn++ % nodes.length;
      const lines: string[] = [];
      for (let i = 0; i < BATCH; i++) lines.push(line(nodes[n]!, templates[n]!, truth));
      const payload = Buffer.from(lines.join("\n"));
      stored.push(agents[n]!.events.publish(eventSubject("process_exec", nodes[n]!), payload, `${n}.${truth.events}`));
    }
    await sleep(TICK_MS);
  }
  await Promise.all(stored);
  return truth;
}

function line(node: string, [before = "", between = "", after = ""]: string[], truth: Truth): string {
  const seq = ++truth.events;
  let binary = "/usr/bin/true";
  if (seq % MARK_EVERY === 0) {
    binary = `/mark/${node}/${seq}`;
    truth.marks.add(binary);
  } else if (seq % WINDOWED_EVERY === 1) {
    binary = "/windowed";
    truth.windowed.set(node, truth.windowed.get(node)! + 1);
  }
  return `${before}${seq}${between}${binary}${after}`;
}

/** The JSON of an event in three pieces, with its number and its program left out. */
function template(node: string): string[] {
  const event = exec({ node, process: { binary: MARKER } }, 4_711);
  const id = `${event.id.slice(0, event.id.lastIndexOf("/") + 1)}${MARKER}`;
  return JSON.stringify({ ...event, id }).split(MARKER);
}
