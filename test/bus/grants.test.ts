import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { BusConnection } from "../../bus/connection.ts";
import { store } from "../../bus/jetstream.ts";
import { partitionOf } from "../../bus/partition.ts";
import type { Role } from "../../bus/roles.ts";
import { objectToken } from "../../bus/object-names.ts";
import { startBus, until, type TestBus } from "./harness.ts";

let bus: TestBus;
const users = new Map<string, { connection: BusConnection; refused: string[] }>();

const own = partitionOf("web-1");
const API = "$JS.API";

/** Who: role, or role/name. */
const WHO = [
  "agent/web-1",
  "agent/web-2",
  "engine",
  "controller",
  "operator",
  "decider/ci",
  "decider/siem",
  "provisioner",
  "reader",
];

/** Publishing there must be refused. */
const FORBIDDEN_PUBLISH: Record<string, string[]> = {
  "agent/web-1": [
    `reeve.events.${own}.process_exec.web-2`,
    `reeve.events.${(own + 1) % 32}.process_exec.web-1`,
    `reeve.events.${partitionOf("web-2")}.process_exec.web-2`,
    "reeve.findings.high.x",
    "reeve.alerts.high.x",
    "reeve.decisions.p",
    "reeve.decisions.ci.p",
    "reeve.control.disarm",
    "$KV.reeve_desired.all.x",
    "$KV.reeve_desired.node.web-1.x",
    "$KV.reeve_status.node.web-2",
    "$KV.reeve_status.controller",
    "$KV.reeve_demand.engine.x",
    "$O.reeve_rulesets.C.x",
    `${API}.INFO`,
    `${API}.STREAM.PURGE.REEVE_EVENTS`,
    `${API}.STREAM.DELETE.REEVE_EVENTS`,
    `${API}.STREAM.UPDATE.REEVE_EVENTS`,
    `${API}.STREAM.CREATE.MINE`,
    `${API}.STREAM.MSG.GET.KV_reeve_desired`,
    `${API}.STREAM.INFO.KV_reeve_desired`,
    `${API}.DIRECT.GET.KV_reeve_desired`,
    `${API}.DIRECT.GET.KV_reeve_desired.$KV.reeve_desired.node.web-2.x`,
    `${API}.DIRECT.GET.REEVE_LARGE`,
    `${API}.DIRECT.GET.REEVE_LARGE.reeve.large.node.web-2.x.0`,
    `${API}.DIRECT.GET.REEVE_EVENTS`,
    `${API}.CONSUMER.CREATE.KV_reeve_desired`,
    `${API}.CONSUMER.CREATE.KV_reeve_desired.mine.$KV.reeve_desired.>`,
    `${API}.CONSUMER.CREATE.KV_reeve_desired.agent_web-1_node.$KV.reeve_desired.node.web-1.*`,
    `${API}.CONSUMER.DURABLE.CREATE.KV_reeve_desired.mine`,
    `${API}.CONSUMER.DELETE.KV_reeve_desired.agent_web-1_all`,
    `${API}.CONSUMER.MSG.NEXT.KV_reeve_desired.agent_web-2_node`,
    `${API}.CONSUMER.MSG.NEXT.KV_reeve_desired.controller`,
    `${API}.CONSUMER.RESET.KV_reeve_desired.controller`,
    `${API}.CONSUMER.MSG.NEXT.REEVE_EVENTS.engine_0`,
    "$JS.ACK.REEVE_EVENTS.engine_0.1.1.1.1.1",
    "_INBOX.controller.x",
    "reeve.published.x.high.x",
    "$SYS.REQ.SERVER.PING",
  ],
  engine: [
    `reeve.events.${own}.process_exec.web-1`,
    "reeve.alerts.high.x",
    "reeve.findings.x",
    "reeve.decisions.ci.p",
    "reeve.control.disarm",
    "$KV.reeve_desired.all.x",
    "$KV.reeve_status.node.web-1",
    "$KV.reeve_status.controller",
    "$KV.reeve_demand.reader.x",
    "$O.reeve_rulesets.C.x",
    `$O.reeve_rulesets.M.${objectToken("current")}`,
    `${API}.STREAM.PURGE.REEVE_EVENTS`,
    `${API}.STREAM.UPDATE.REEVE_ALERTS`,
    `${API}.STREAM.DELETE.REEVE_ALERTS`,
    `${API}.CONSUMER.CREATE.REEVE_EVENTS.mine.>`,
    `${API}.CONSUMER.DELETE.REEVE_EVENTS.engine_0`,
    `${API}.CONSUMER.RESET.REEVE_EVENTS.engine_0`,
    `${API}.CONSUMER.MSG.NEXT.REEVE_DECISIONS.controller`,
    `${API}.DIRECT.GET.KV_reeve_desired`,
    `${API}.DIRECT.GET.REEVE_ALERTS`,
    "$JS.ACK.REEVE_DECISIONS.controller.1.1.1.1.1",
    "_INBOX.operator.x",
  ],
  controller: [
    `reeve.events.${own}.process_exec.web-1`,
    "reeve.findings.high.x",
    "reeve.alerts.high.x",
    "reeve.decisions.p",
    "reeve.control.disarm",
    "$KV.reeve_status.node.web-1",
    "$KV.reeve_demand.engine.x",
    `${API}.STREAM.PURGE.REEVE_EVENTS`,
    `${API}.STREAM.PURGE.KV_reeve_desired`,
    `${API}.STREAM.DELETE.KV_reeve_desired`,
    `${API}.STREAM.UPDATE.REEVE_DECISIONS`,
    `${API}.CONSUMER.CREATE.REEVE_DECISIONS.mine.>`,
    `${API}.CONSUMER.MSG.NEXT.REEVE_EVENTS.engine_0`,
    "_INBOX.agent.web-1.x",
  ],
  operator: [
    `reeve.events.${own}.process_exec.web-1`,
    "reeve.findings.high.x",
    "reeve.alerts.high.x",
    "reeve.decisions.p",
    "$KV.reeve_desired.all.x",
    "$KV.reeve_status.controller",
    "$KV.reeve_demand.engine.x",
    `$O.reeve_rulesets.M.${objectToken("current")}`,
    `${API}.STREAM.PURGE.REEVE_EVENTS`,
    `${API}.STREAM.UPDATE.REEVE_EVENTS`,
    `${API}.STREAM.MSG.DELETE.REEVE_EVENTS`,
    `${API}.CONSUMER.CREATE.REEVE_EVENTS.mine.>`,
    `${API}.CONSUMER.DELETE.REEVE_EVENTS.engine_0`,
    `${API}.CONSUMER.MSG.NEXT.REEVE_EVENTS.engine_0`,
    "_INBOX.controller.x",
  ],
  "decider/ci": [
    "reeve.decisions.p",
    "reeve.decisions.siem.p",
    "reeve.decisions.ci.p.q",
    "reeve.findings.high.x",
    "reeve.alerts.high.x",
    "reeve.control.selectors.add",
    "$KV.reeve_desired.all.x",
    `${API}.STREAM.PURGE.REEVE_DECISIONS`,
    `${API}.CONSUMER.MSG.NEXT.REEVE_DECISIONS.controller`,
    `${API}.DIRECT.GET.REEVE_DECISIONS`,
  ],
  provisioner: [
    `reeve.events.${own}.process_exec.web-1`,
    "reeve.findings.high.x",
    "reeve.alerts.high.x",
    "reeve.decisions.p",
    "reeve.control.disarm",
    "$KV.reeve_desired.all.x",
    "$KV.reeve_status.controller",
  ],
  reader: [
    "reeve.alerts.high.x",
    "reeve.findings.high.x",
    "reeve.decisions.p",
    "reeve.control.status",
    `reeve.events.${own}.process_exec.web-1`,
    "$KV.reeve_desired.all.x",
    `${API}.INFO`,
    `${API}.STREAM.INFO.REEVE_ALERTS`,
    "anything",
  ],
};

/** Subscribing there must be refused. */
const FORBIDDEN_SUBSCRIBE: Record<string, string[]> = {
  "agent/web-1": [
    ">",
    "reeve.>",
    "reeve.events.>",
    "reeve.alerts.>",
    "reeve.control.>",
    "$KV.>",
    "_INBOX.>",
    "_INBOX.agent.>",
    "_INBOX.agent.web-2.>",
    "_R_.>",
  ],
  engine: [
    ">",
    "reeve.events.>",
    "reeve.alerts.>",
    "reeve.findings.>",
    "reeve.control.>",
    "$KV.reeve_desired.>",
    "_INBOX.>",
    "_INBOX.controller.>",
  ],
  controller: [">", "reeve.events.>", "reeve.decisions.>", "_INBOX.>", "_INBOX.operator.>", "reeve.published.>"],
  operator: [">", "reeve.events.>", "reeve.control.>", "reeve.decisions.>", "_INBOX.>", "_INBOX.controller.>"],
  "decider/ci": [">", "reeve.decisions.>", "reeve.alerts.>", "_INBOX.decider.siem.>", "_INBOX.>"],
  provisioner: [">", "reeve.>", "reeve.events.>", "_INBOX.>", "reeve.published.>"],
  reader: [
    ">",
    "reeve.>",
    "reeve.events.>",
    "reeve.findings.>",
    "reeve.decisions.>",
    "reeve.control.>",
    "$KV.>",
    "$JS.>",
    "_INBOX.>",
    "_INBOX.controller.>",
    "reeve.published.>",
  ],
};

/** Publishing there must be allowed, whatever the answer. */
const ALLOWED_PUBLISH: Record<string, string[]> = {
  "agent/web-1": [
    `reeve.events.${own}.process_exec.web-1`,
    "$KV.reeve_status.node.web-1",
    `${API}.CONSUMER.RESET.KV_reeve_desired.agent_web-1_all`,
    `${API}.CONSUMER.MSG.NEXT.KV_reeve_desired.agent_web-1_node`,
    `${API}.DIRECT.GET.REEVE_LARGE.reeve.large.all.x.0`,
  ],
  engine: [
    "reeve.findings.high.x",
    "reeve.decisions.p",
    "$KV.reeve_status.engine.e",
    "$KV.reeve_demand.engine.e",
    `${API}.CONSUMER.MSG.NEXT.REEVE_EVENTS.engine_31`,
    `${API}.DIRECT.GET.OBJ_reeve_rulesets`,
  ],
  controller: [
    "$KV.reeve_desired.all.x",
    "$KV.reeve_status.controller",
    `${API}.STREAM.PURGE.REEVE_LARGE`,
    `${API}.CONSUMER.MSG.NEXT.REEVE_DECISIONS.controller`,
  ],
  operator: [
    "reeve.control.status",
    `${API}.DIRECT.GET.REEVE_EVENTS`,
    `$O.reeve_rulesets.M.${objectToken("sha256:x")}`,
  ],
  "decider/ci": ["reeve.decisions.ci.p"],
  "decider/siem": ["reeve.decisions.siem.p"],
  provisioner: [`${API}.STREAM.INFO.REEVE_EVENTS`],
};

beforeAll(async () => {
  bus = await startBus({ "bus.nodes": ["web-1", "web-2"], "controller.deciders": { ci: {}, siem: {} } });
  for (const who of WHO) {
    const [role, name] = who.split("/");
    const refused: string[] = [];
    const connection = await bus.connect(role as Role, name, {
      onStatus: (status) => {
        if (status.type === "refused") refused.push(`${status.operation} ${status.subject}`);
      },
    });
    users.set(who, { connection, refused });
  }
});

afterAll(async () => {
  await bus.stop();
});

const rows = (table: Record<string, string[]>): [string, string][] =>
  Object.entries(table).flatMap(([who, subjects]) => subjects.map((subject): [string, string] => [who, subject]));

describe("what each role may not do is refused by the server", () => {
  test.each(rows(FORBIDDEN_PUBLISH))("%s does not publish %s", async (who, subject) => {
    const { connection, refused } = users.get(who)!;
    connection.publish(subject, "{}", who === "reader" ? {} : { reply: connection.newInbox() });
    await connection.flush();
    await until(() => refused.includes(`publish ${subject}`), 2000);
  });

  test.each(rows(FORBIDDEN_SUBSCRIBE))("%s does not subscribe to %s", async (who, subject) => {
    const { connection, refused } = users.get(who)!;
    const stop = connection.subscribe(subject, () => undefined);
    await connection.flush();
    await until(() => refused.includes(`subscription ${subject}`), 2000);
    stop();
  });
});

describe("what each role must do is allowed", () => {
  test.each(rows(ALLOWED_PUBLISH))("%s publishes %s", async (who, subject) => {
    const { connection, refused } = users.get(who)!;
    connection.publish(subject, "", { reply: connection.newInbox() });
    await connection.flush();
    expect(refused).not.toContain(`publish ${subject}`);
  });
});

describe("a reply subject reaches nobody else", () => {
  const TARGETS = [
    "reeve.alerts.high.forged",
    "$KV.reeve_desired.all.forged",
    "reeve.control.disarm",
    "reeve.decisions.forged",
    "_INBOX.controller.x",
  ];

  test("of an agent, an engine, an operator, a decider", async () => {
    const seen: string[] = [];
    const stop = [
      users.get("reader")!.connection.subscribe("reeve.alerts.high.forged", (msg) => seen.push(msg.subject)),
      users.get("controller")!.connection.subscribe("reeve.control.>", (msg) => seen.push(msg.subject)),
      users.get("controller")!.connection.subscribe("_INBOX.controller.x", (msg) => seen.push(msg.subject)),
    ];
    await users.get("reader")!.connection.flush();
    await users.get("controller")!.connection.flush();
    const asks: [string, string][] = [
      ["agent/web-1", `reeve.events.${own}.process_exec.web-1`],
      ["engine", "reeve.findings.high.x"],
      ["engine", `${API}.CONSUMER.MSG.NEXT.REEVE_EVENTS.engine_${own}`],
      ["operator", `${API}.DIRECT.GET.REEVE_EVENTS`],
      ["decider/ci", "reeve.decisions.ci.p"],
    ];
    for (const [who, subject] of asks) {
      const { connection } = users.get(who)!;
      for (const reply of TARGETS) connection.publish(subject, JSON.stringify({ batch: 1, seq: 1 }), { reply });
      await connection.flush();
    }
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(seen).toEqual([]);
    const operator = users.get("operator")!.connection;
    for (const [stream, subject] of [
      ["KV_reeve_desired", "$KV.reeve_desired.all.forged"],
      ["REEVE_DECISIONS", "reeve.decisions.forged"],
      ["REEVE_ALERTS", "reeve.alerts.high.forged"],
    ] as const) {
      const reply = await operator.request(`${API}.DIRECT.GET.${stream}.${subject}`, "");
      expect(reply.headers?.code).toBe(404);
    }
    for (const end of stop) end();
  });
});

test("headers cannot empty a stream, and a message id of another user does not hide a message", async () => {
  const agent = users.get("agent/web-1")!.connection;
  for (const how of ["all", "sub"]) {
    await expect(
      store(agent, "$KV.reeve_status.node.web-1", "{}", { headers: { "Nats-Rollup": how } }),
    ).rejects.toThrow(/rollup/);
  }
  const other = users.get("agent/web-2")!.connection;
  expect(agent.messageId("1")).not.toBe(other.messageId("1"));
  expect(agent.messageId("1")).toBe(agent.messageId("1"));
});
