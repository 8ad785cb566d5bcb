// The npm library `ws` and hand-made byte streams against echo_server and echo_client.
//
// Run as `node ws_peer.mjs` with NETDRIVER_EXAMPLES (folder of the examples) and
// NETDRIVER_NODE_MODULES (folder that holds the package `ws`) set.

import { Checks, withServer } from "./harness.mjs";
import { CHECKS as ABUSE } from "./abuse_checks.mjs";
import { CHECKS as CROWD, CROWD_MS } from "./crowd_checks.mjs";
import { CHECKS as HTTP } from "./http_checks.mjs";
import { CHECKS as VIOLATIONS } from "./violation_checks.mjs";
import { CHECKS as CLIENT } from "./ws_client_checks.mjs";
import { CHECKS as DEFLATE } from "./ws_deflate_checks.mjs";
import { CHECKS as TLS } from "./ws_tls_checks.mjs";
import { CHECKS as SERVER } from "./ws_server_checks.mjs";

const checks = new Checks();

function starting(group, server) {
  return Object.entries(group).map(([name, body]) => [name, () => body(server)]);
}

async function oneByOne(list) {
  for (const [name, body] of list) await checks.run(name, body);
}

async function allAtOnce(list) {
  await Promise.all(list.map(([name, body]) => checks.run(name, body)));
}

await withServer("echo_server", ["--verbose"], async (server) => {
  await oneByOne(starting(CLIENT, server));
  await oneByOne(starting(HTTP, server));
  await allAtOnce(starting(VIOLATIONS, server));
  await oneByOne(starting(ABUSE, server));
  await checks.run("server_ends_with_counters", () => server.stop());
});
await oneByOne(starting(SERVER));
for (const [name, body] of Object.entries(CROWD)) await checks.run(name, body, CROWD_MS);
await oneByOne(starting(DEFLATE));
await oneByOne(starting(TLS));
checks.finish();
