// Decides outside of Reeve: takes alerts from the bus as anybody may, asks an OPA, publishes what it decides.
//   node decide.mjs URL CREDENTIALS POLICY.rego
// CREDENTIALS is decider-<name>.json. This is all that a decider needs: any language that speaks NATS will do.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { connect, nkeyAuthenticator } from "nats";

const [url, file, policy] = process.argv.slice(2);
const { user, seed, inbox } = JSON.parse(readFileSync(file, "utf8"));
const name = user.replace(/^decider-/, "");

const alerts = await connect({ servers: url });
const bus = await connect({
  servers: url,
  authenticator: nkeyAuthenticator(new TextEncoder().encode(seed)),
  inboxPrefix: inbox,
});
console.log(`${user} decides by ${policy}`);

for await (const message of alerts.subscribe("reeve.alerts.>")) {
  const alert = message.json();
  let n = 0;
  for (const decision of decide(message.string())) {
    // The same id for the same alert: a repetition is dropped by the bus.
    await bus.jetstream().publish(`reeve.decisions.${name}.no_network`, JSON.stringify(decision), {
      msgID: `${user}:${alert.id}:${n++}`,
    });
    console.log(`${decision.action} ${decision.hook} for ${decision.ttl}: ${decision.reason}`);
  }
}

function decide(input) {
  const query = "data.soc.no_network.decision";
  const result = spawnSync("opa", ["eval", "--format", "raw", "--stdin-input", "-d", policy, query], { input });
  if (result.status !== 0) throw new Error(String(result.stderr) || "opa eval failed", { cause: result.error });
  return JSON.parse(String(result.stdout));
}
