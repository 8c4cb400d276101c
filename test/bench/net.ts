import { buildProgram } from "../programs/build.ts";
import { posts } from "./lib/demand.ts";
import { measureModes, reportModes } from "./lib/modes.ts";
import { runJson } from "./lib/run-json.ts";

// What does it cost to see connections? `npm run bench:net [ROUNDS [CONNECTIONS]]`: connections over the loopback, each
// accepted, written to and closed, with no agent, with one of which nothing is demanded, and with connects, accepts and closes
// demanded, in an order that changes every round.
const ROUNDS = Number(process.argv[2] ?? 10);
const CONNECTIONS = Number(process.argv[3] ?? 10_000);
const program = buildProgram("net-load");

const measured = await measureModes({
  rounds: ROUNDS,
  modes: { idle: [], net: [posts("network_connect"), posts("network_accept"), posts("network_close")] },
  load: async () => {
    const { wall_ns } = await runJson<{ wall_ns: number }>(program, [String(CONNECTIONS)]);
    return { wallNs: wall_ns, acts: CONNECTIONS };
  },
});
console.log(`${ROUNDS} rounds of ${CONNECTIONS} connections\n`);
const figures = reportModes(measured, "connection");
console.log(JSON.stringify({ ...figures, us_per_connection: figures["net_us_per_connection"] }));
