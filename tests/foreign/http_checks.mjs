// Ordinary HTTP at echo_server's WebSocket port, and handshakes that are wrong.

import http from "node:http";
import { expect, expectEqual } from "./harness.mjs";
import { RawStream, upgradeRequest } from "./raw_websocket.mjs";

const REPLY_MS = 30_000;

/** One request with Node's own client: {status, headers, body}. */
function ask(server, path, options = {}) {
  return new Promise((resolve, reject) => {
    const settings = { host: "127.0.0.1", port: server.wsPort, path, timeout: REPLY_MS };
    const request = http.request({ ...settings, agent: false, ...options }, (response) => {
      const parts = [];
      response.on("data", (part) => parts.push(part));
      response.on("error", reject);
      response.on("end", () => {
        const { statusCode: status, headers } = response;
        resolve({ status, headers, body: Buffer.concat(parts) });
      });
    });
    request.on("timeout", () => request.destroy(new Error("no answer in time")));
    request.on("error", reject);
    request.end(options.body);
  });
}

/** The head that raw bytes are answered with, and whether the stream ended after it. */
async function askRaw(server, bytes) {
  const stream = new RawStream(server.wsPort);
  try {
    stream.write(bytes);
    const head = await stream.head();
    await stream.end(5000);
    return head;
  } finally {
    stream.destroy();
  }
}

async function rootGivesTheDocument(server) {
  const answer = await ask(server, "/");
  expectEqual(answer.status, 200, "status");
  expect(/^text\/html/.test(answer.headers["content-type"]), "no HTML content type");
  expectEqual(answer.headers["content-length"], `${answer.body.length}`, "content length");
  expect(/<html|<!doctype html/i.test(answer.body.toString()), "the body is no HTML");
}

async function queryDoesNotHideTheDocument(server) {
  const [plain, queried] = [await ask(server, "/"), await ask(server, "/?a=1")];
  expectEqual(queried.status, 200, "status");
  expectEqual(queried.body, plain.body, "body");
}

async function headGivesTheHeadersAlone(server) {
  const [get, head] = [await ask(server, "/"), await ask(server, "/", { method: "HEAD" })];
  expectEqual(head.status, 200, "status");
  expectEqual(head.body.length, 0, "length of the body");
  expectEqual(head.headers["content-length"], get.headers["content-length"], "content length");
  expectEqual(head.headers["content-type"], get.headers["content-type"], "content type");
}

async function unknownPathGives404(server) {
  for (const path of ["/nothing", "/index.html/x", "/..%2f", "//"]) {
    expectEqual((await ask(server, path)).status, 404, `status of ${path}`);
  }
}

async function otherMethodsAreRefused(server) {
  for (const method of ["POST", "PUT", "DELETE", "OPTIONS"]) {
    const { status } = await ask(server, "/", { method });
    expect([400, 404, 405, 426, 501].includes(status), `status of ${method} is ${status}`);
  }
}

async function unknownUpgradeIsRefused(server) {
  const request = `GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n`;
  const head = await askRaw(server, request);
  expect([200, 426].includes(head.status), `status ${head.status}`);
}

async function otherWebSocketVersionGets426(server) {
  for (const version of ["8", "12", "14", "x", "130"]) {
    const head = await askRaw(server, upgradeRequest(server.wsPort, { version }));
    expectEqual(head.status, 426, `status for version ${version}`);
    expectEqual(head.headers["sec-websocket-version"], "13", "offered version");
  }
}

async function badUpgradesGet400(server) {
  const host = `Host: 127.0.0.1:${server.wsPort}`;
  const good = upgradeRequest(server.wsPort);
  const bad = {
    "no key": upgradeRequest(server.wsPort, { key: null }),
    "a short key": upgradeRequest(server.wsPort, { key: "dG9vIHNob3J0" }),
    "no host": good.replace(`${host}\r\n`, ""),
    "a bare carriage return": good.replace("Upgrade: websocket", "Upgrade: web\rsocket"),
    "a header without a colon": good.replace("Upgrade: websocket", "Upgrade websocket"),
    "a space before the colon": good.replace(host, host.replace(":", " :")),
    "no path": good.replace("GET / HTTP", "GET HTTP"),
    "not HTTP": "hello\r\n\r\n",
  };
  for (const [name, request] of Object.entries(bad)) {
    const { status } = await askRaw(server, request);
    expectEqual(status, 400, `status with ${name}`);
  }
}

async function headerNamesAndTokensIgnoreCase(server) {
  const request = upgradeRequest(server.wsPort)
    .replace("Upgrade: websocket", "uPgRaDe:   WebSocket")
    .replace("Connection: Upgrade", "CONNECTION: keep-alive, uPGRADE");
  const stream = new RawStream(server.wsPort);
  stream.write(request);
  expectEqual((await stream.head()).status, 101, "status");
  stream.destroy();
}

async function answerHasTheRightAcceptKey(server) {
  const stream = new RawStream(server.wsPort);
  stream.write(upgradeRequest(server.wsPort));
  const { status, headers } = await stream.head();
  expectEqual(status, 101, "status");
  expectEqual(headers["sec-websocket-accept"], "Bz3qJYTGdOe8gUSpLosEdiLKDrk=", "accept key");
  stream.destroy();
}

async function tooLargeAHeadIsRefused(server) {
  const padding = (count) => ({ extra: [`X-Padding: ${"p".repeat(count)}`] });
  const fits = new RawStream(server.wsPort);
  fits.write(upgradeRequest(server.wsPort, padding(6000)));
  expectEqual((await fits.head()).status, 101, "status of a head that fits");
  fits.destroy();
  const many = { extra: Array.from({ length: 500 }, (_, i) => `X-${i}: ${"v".repeat(20)}`) };
  for (const options of [padding(9000), padding(100000), many]) {
    const stream = new RawStream(server.wsPort);
    stream.write(upgradeRequest(server.wsPort, options));
    const head = await stream.head().catch(() => null);
    expect(!head || [400, 413, 431].includes(head.status), `status ${head?.status}`);
    await stream.end(5000);
  }
}

export const CHECKS = {
  root_gives_the_document: rootGivesTheDocument,
  query_does_not_hide_the_document: queryDoesNotHideTheDocument,
  head_gives_the_headers_alone: headGivesTheHeadersAlone,
  unknown_path_gives_404: unknownPathGives404,
  other_methods_are_refused: otherMethodsAreRefused,
  unknown_upgrade_is_refused: unknownUpgradeIsRefused,
  other_websocket_version_gets_426: otherWebSocketVersionGets426,
  bad_upgrades_get_400: badUpgradesGet400,
  header_names_and_tokens_ignore_case: headerNamesAndTokensIgnoreCase,
  answer_has_the_right_accept_key: answerHasTheRightAcceptKey,
  too_large_a_head_is_refused: tooLargeAHeadIsRefused,
};
