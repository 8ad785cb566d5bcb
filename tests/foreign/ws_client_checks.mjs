// The npm library `ws` as a client of echo_server.

import { expect, expectEqual, loadPackage, waitUntil, within, withServer } from "./harness.mjs";

const { WebSocket } = loadPackage("ws");

const REPLY_MS = 30_000;
const MESSAGE_SIZE_MAX = 1 << 20;
const CLIENTS = 100;

/** A client that keeps its messages, pongs and end. */
export class Client {
  constructor(url, protocols = [], options = {}) {
    const settings = { perMessageDeflate: false, ...options };
    this.socket = new WebSocket(url, protocols, settings);
    this.messages = [];
    this.pongs = [];
    this.close = null;
    this.error = null;
    this.socket.on("message", (data, isBinary) => this.messages.push({ data, isBinary }));
    this.socket.on("pong", (data) => this.pongs.push(data));
    this.socket.on("error", (error) => (this.error = error));
    this.socket.on("close", (code, reason) => (this.close = { code, reason: reason.toString() }));
  }

  static async open(url, protocols, options) {
    const client = new Client(url, protocols, options);
    await waitUntil(
      () => client.socket.readyState === WebSocket.OPEN || client.close,
      REPLY_MS,
      "the open connection",
    );
    expect(!client.close, `the connection failed: ${client.error?.message}`);
    return client;
  }

  message() {
    return waitUntil(() => this.messages.shift(), REPLY_MS, "a message");
  }

  async expectEcho(payload) {
    this.socket.send(payload);
    const echo = await this.message();
    expectEqual(echo.isBinary, typeof payload !== "string", "kind of the echo");
    expectEqual(Buffer.from(echo.data), Buffer.from(payload), "echo");
  }

  end() {
    return waitUntil(() => this.close, REPLY_MS, "the close");
  }

  async leave(code = 1000, reason = "") {
    this.socket.close(code, reason);
    return await this.end();
  }
}

function pattern(length) {
  return Buffer.alloc(length).map((_, i) => (i * 7 + (i >> 8)) & 255);
}

async function textAndBinaryKeepTheirKind(server) {
  const client = await Client.open(server.url);
  await client.expectEcho("hello, мир, 🎮");
  await client.expectEcho(Buffer.from([0, 1, 254, 255]));
  await client.expectEcho("");
  await client.expectEcho(Buffer.alloc(0));
  await client.leave();
}

async function sizesAroundEachLengthFormComeBack(server) {
  const client = await Client.open(server.url);
  for (const size of [1, 125, 126, 127, 65535, 65536, MESSAGE_SIZE_MAX]) {
    await client.expectEcho(pattern(size));
  }
  await client.leave();
}

async function fragmentsBecomeOneMessage(server) {
  const client = await Client.open(server.url);
  client.socket.send("Gr", { fin: false });
  client.socket.send("üß", { fin: false });
  client.socket.ping("between");
  client.socket.send("e", { fin: true });
  expectEqual((await client.message()).data.toString(), "Grüße", "text");
  expectEqual(client.pongs.map(String), ["between"], "pongs before the echo");
  client.socket.send(pattern(100000), { fin: false });
  client.socket.send(Buffer.alloc(0), { fin: true });
  expectEqual((await client.message()).data, pattern(100000), "binary");
  await client.leave();
}

async function pingsAreAnsweredWithTheirPayload(server) {
  const client = await Client.open(server.url);
  for (const size of [0, 1, 125]) client.socket.ping(pattern(size));
  await waitUntil(() => client.pongs.length === 3, REPLY_MS, "three pongs");
  const sizes = client.pongs.map((pong) => pong.length);
  expectEqual(sizes, [0, 1, 125], "payload sizes");
  expectEqual(client.pongs[2], pattern(125), "payload");
  await client.leave();
}

async function closeCodesComeBack(server) {
  const ends = [[1000, ""], [1001, "left"], [3000, "ünï"], [4999, "x".repeat(123)]];
  for (const [code, reason] of ends) {
    const client = await Client.open(server.url);
    await client.expectEcho("before");
    expectEqual((await client.leave(code, reason)).code, code, "code of the answer");
    await waitUntil(
      () => server.stderr.some((line) => line.includes(`${code}`)),
      REPLY_MS,
      `code ${code} in the server's log`,
    );
  }
}

async function closeWithoutAMessageReachesTheServer(server) {
  const client = await Client.open(server.url);
  expectEqual((await client.leave(4020, "only looking")).code, 4020, "code of the answer");
  await waitUntil(
    () => server.stderr.some((line) => line.includes("4020") && line.includes("only looking")),
    REPLY_MS,
    "code 4020 and its reason in the server's log",
  );
}

async function cutConnectionShowsAsLost(server) {
  const client = await Client.open(server.url);
  await client.expectEcho("before");
  client.socket.terminate();
  await waitUntil(
    () => server.stderr.some((line) => line.includes("1006")),
    REPLY_MS,
    "code 1006 in the server's log",
  );
}

async function oversizedMessageClosesWith1009(server) {
  const client = await Client.open(server.url);
  client.socket.send(pattern(MESSAGE_SIZE_MAX + 1), () => {});
  expectEqual((await client.end()).code, 1009, "close code");
}

async function manyClientsGetTheirOwnEchoes(server) {
  const one = async (number) => {
    const client = await Client.open(server.url);
    for (let turn = 0; turn < 10; turn += 1) await client.expectEcho(`${number} ${turn}`);
    await client.leave();
  };
  await Promise.all(Array.from({ length: CLIENTS }, (_, number) => one(number)));
}

async function burstComesBackInOrder(server) {
  const client = await Client.open(server.url);
  const count = 5000;
  for (let i = 0; i < count; i += 1) client.socket.send(`${i}`);
  await waitUntil(() => client.messages.length === count, REPLY_MS, "all echoes");
  const wrong = client.messages.findIndex((message, i) => message.data.toString() !== `${i}`);
  expectEqual(wrong, -1, "first echo out of order");
  await client.leave();
}

async function subProtocolIsAgreed() {
  await withServer("echo_server", ["--verbose", "--sub-protocols", "b,a"], async (server) => {
    const client = await Client.open(server.url, ["x", "a", "b"]);
    expectEqual(client.socket.protocol, "b", "sub-protocol");
    await client.expectEcho("agreed");
    await client.leave();
    const stranger = new Client(server.url, ["x"]);
    await stranger.end();
    expectEqual(stranger.error?.message, "Server sent no subprotocol", "without a common one");
  });
}

async function builtInClientOfNodeWorks(server) {
  if (typeof globalThis.WebSocket !== "function") return;
  const socket = new globalThis.WebSocket(server.url);
  const opened = new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = () => reject(new Error("no connection"));
  });
  await within(REPLY_MS, opened, "open");
  const answered = new Promise((resolve) => (socket.onmessage = (event) => resolve(event.data)));
  socket.send("hello");
  expectEqual(await within(REPLY_MS, answered, "an echo"), "hello", "echo");
  socket.close();
}

export const CHECKS = {
  ws_text_and_binary_keep_their_kind: textAndBinaryKeepTheirKind,
  ws_sizes_around_each_length_form_come_back: sizesAroundEachLengthFormComeBack,
  ws_fragments_become_one_message: fragmentsBecomeOneMessage,
  ws_pings_are_answered_with_their_payload: pingsAreAnsweredWithTheirPayload,
  ws_close_codes_come_back_and_reach_the_server: closeCodesComeBack,
  ws_close_without_a_message_reaches_the_server: closeWithoutAMessageReachesTheServer,
  ws_cut_connection_shows_as_lost: cutConnectionShowsAsLost,
  ws_oversized_message_closes_with_1009: oversizedMessageClosesWith1009,
  ws_many_clients_get_their_own_echoes: manyClientsGetTheirOwnEchoes,
  ws_burst_comes_back_in_order: burstComesBackInOrder,
  ws_sub_protocol_is_agreed: subProtocolIsAgreed,
  built_in_client_of_node_works: builtInClientOfNodeWorks,
};
