// TLS between echo_server, echo_client and the npm library `ws` over Node's OpenSSL.

import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import { fileURLToPath } from "node:url";
import {
  expect, expectEqual, loadPackage, Program, waitUntil, withServer,
} from "./harness.mjs";
import { Client } from "./ws_client_checks.mjs";
import { echo, expectSuccess } from "./ws_server_checks.mjs";

const { WebSocketServer } = loadPackage("ws");
const REPLY_MS = 30_000;
const VERSIONS = ["TLSv1.2", "TLSv1.3"];

function place(name) {
  return fileURLToPath(new URL(`../certificates/${name}`, import.meta.url));
}

const AUTHORITY = readFileSync(place("ca.pem"));
const SERVER = ["--tls-cert", place("localhost.pem"), "--tls-key", place("localhost.key")];
const TRUST = ["--tls-ca", place("ca.pem")];

async function secureClientsGetTheirEchoes() {
  await withServer("echo_server", SERVER, async ({ wsPort }) => {
    for (const version of VERSIONS) {
      const options = { ca: AUTHORITY, minVersion: version, maxVersion: version };
      const client = await Client.open(`wss://localhost:${wsPort}/`, [], options);
      expectEqual(client.socket._socket.getProtocol(), version, "version");
      await client.expectEcho("hello");
      await client.expectEcho(Buffer.alloc(0));
      await client.expectEcho(Buffer.alloc(1 << 20, 7));
      await client.leave();
    }
  });
}

async function resumedSessionsWork() {
  await withServer("echo_server", SERVER, async ({ wsPort }) => {
    let session;
    for (let turn = 0; turn < 3; turn += 1) {
      const options = { ca: AUTHORITY, session, maxVersion: "TLSv1.2" };
      const client = await Client.open(`wss://localhost:${wsPort}/`, [], options);
      await client.expectEcho(`turn ${turn}`);
      session = client.socket._socket.getSession();
      if (turn > 0) expect(client.socket._socket.isSessionReused(), "the session is not resumed");
      await client.leave();
    }
  });
}

/** Runs a secure server of the library for the time of a function. */
async function withSecureServer(options, body) {
  const server = createServer({
    cert: readFileSync(place("localhost.pem")),
    key: readFileSync(place("localhost.key")),
    ...options,
  });
  const sockets = new WebSocketServer({ server, perMessageDeflate: false });
  sockets.on("connection", echo);
  server.on("tlsClientError", () => {});
  server.listen(0, "127.0.0.1");
  try {
    await waitUntil(() => server.address(), REPLY_MS, "the server's port");
    return await body(`wss://localhost:${server.address().port}/`);
  } finally {
    for (const socket of sockets.clients) socket.terminate();
    sockets.close();
    server.close();
  }
}

async function echoClientSpeaksTls() {
  for (const version of VERSIONS) {
    await withSecureServer({ minVersion: version, maxVersion: version }, async (url) => {
      await expectSuccess(url, "--count", "100", "--size", "1000", ...TRUST);
      await expectSuccess(url, "--count", "3", "--size", "1000000", "--text", ...TRUST);
    });
  }
}

async function echoClientShowsItsCertificate() {
  for (const version of VERSIONS) {
    const ask = { requestCert: true, ca: AUTHORITY, minVersion: version, maxVersion: version };
    await withSecureServer(ask, async (url) => {
      const shown = ["--tls-cert", place("player.pem"), "--tls-key", place("player.key")];
      await expectSuccess(url, "--count", "10", ...TRUST, ...shown);
      const program = new Program("echo_client", url, "--count", 1, "--seconds", 5, ...TRUST);
      expect((await program.finish(REPLY_MS)) !== 0, "a client without a certificate was taken");
      expect(program.log.includes("AuthenticationFailure"), program.log.slice(-300));
      expect(program.log.includes("the server ended TLS"), program.log.slice(-300));
    });
  }
}

export const CHECKS = {
  tls_clients_get_their_echoes: secureClientsGetTheirEchoes,
  tls_sessions_are_resumed: resumedSessionsWork,
  tls_echo_client_speaks_it: echoClientSpeaksTls,
  tls_echo_client_shows_its_certificate: echoClientShowsItsCertificate,
};
