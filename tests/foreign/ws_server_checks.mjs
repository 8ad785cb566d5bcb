// The npm library `ws` as a server for echo_client.

import { expect, expectEqual, loadPackage, Program, waitUntil } from "./harness.mjs";

const { WebSocketServer } = loadPackage("ws");

const CLIENT_SECONDS = 15;
const CLIENT_MS = 18000;
const REPLY_MS = 30_000;

/** Runs a server for the time of a function. */
export async function withLibraryServer(options, onConnection, body) {
  const settings = { port: 0, host: "127.0.0.1", perMessageDeflate: false, ...options };
  const server = new WebSocketServer(settings);
  server.on("connection", onConnection);
  try {
    await waitUntil(() => server.address(), REPLY_MS, "the server's port");
    return await body(`ws://127.0.0.1:${server.address().port}`, server);
  } finally {
    for (const socket of server.clients) socket.terminate();
    server.close();
  }
}

export function echo(socket) {
  socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
}

async function runClient(url, ...args) {
  const program = new Program("echo_client", url, "--seconds", CLIENT_SECONDS, ...args);
  await program.finish(CLIENT_MS);
  return program;
}

export async function expectSuccess(url, ...args) {
  const program = await runClient(url, ...args);
  expectEqual(program.code, 0, `exit code of echo_client (${program.log.slice(-200)})`);
}

async function clientGetsItsEchoes() {
  await withLibraryServer({}, echo, async (url) => {
    await expectSuccess(url, "--count", 300, "--size", 64, "--window", 8);
    await expectSuccess(url, "--count", 20, "--size", 65536);
    await expectSuccess(url, "--count", 50, "--size", 200, "--text");
  });
}

async function clientJoinsFragments() {
  const inPieces = (socket) =>
    socket.on("message", (data, binary) => {
      const middle = data.length >> 1;
      socket.send(data.subarray(0, middle), { binary, fin: false });
      socket.ping();
      socket.send(data.subarray(middle), { binary, fin: true });
    });
  await withLibraryServer({}, inPieces, async (url) => {
    await expectSuccess(url, "--count", 50, "--size", 300);
    await expectSuccess(url, "--count", 50, "--size", 300, "--text");
  });
}

async function clientAnswersPings() {
  const pongs = [];
  const pinging = (socket) => {
    socket.on("pong", (data) => pongs.push(data.toString()));
    socket.once("message", (first, binary) => {
      socket.ping("first");
      socket.ping("second");
      socket.send(first, { binary });
      echo(socket);
    });
  };
  await withLibraryServer({}, pinging, async (url) => {
    await expectSuccess(url, "--count", 20);
  });
  expectEqual(pongs, ["first", "second"], "pongs");
}

async function clientAgreesOnASubProtocol() {
  const seen = [];
  const handleProtocols = (offered) => {
    seen.push([...offered]);
    return "two";
  };
  const noting = (socket, request) => {
    seen.push([socket.protocol, request.url]);
    echo(socket);
  };
  await withLibraryServer({ handleProtocols }, noting, async (url) => {
    await expectSuccess(`${url}/a/b?c=d`, "--count", 2, "--sub-protocols", "one,two");
  });
  expectEqual(seen, [["one", "two"], ["two", "/a/b?c=d"]], "offer, choice and path");
}

async function clientSeesTheServersClose() {
  const closing = (socket) => {
    socket.once("message", () => socket.close(4003, "go away"));
  };
  await withLibraryServer({}, closing, async (url) => {
    const program = await runClient(url, "--count", 5);
    expect(program.code !== 0, "exit code 0 although the server left");
    expect(program.log.includes("4003"), `no close code in ${program.log.slice(-200)}`);
    expect(program.log.includes("go away"), `no reason in ${program.log.slice(-200)}`);
  });
}

async function clientSurvivesACutConnection() {
  const cutting = (socket) => socket.once("message", () => socket.terminate());
  await withLibraryServer({}, cutting, async (url) => {
    const program = await runClient(url, "--count", 5);
    expect(program.code !== 0, "exit code 0 although the connection was cut");
    expect(program.log.includes("1006"), `no code 1006 in ${program.log.slice(-200)}`);
  });
}

async function clientLeavesWith1000() {
  const ends = [];
  const noting = (socket) => {
    socket.on("close", (code) => ends.push(code));
    echo(socket);
  };
  await withLibraryServer({}, noting, async (url) => {
    await expectSuccess(url, "--count", 3);
    await waitUntil(() => ends.length, REPLY_MS, "the end of the connection");
  });
  expectEqual(ends, [1000], "close code");
}

export const CHECKS = {
  echo_client_gets_its_echoes: clientGetsItsEchoes,
  echo_client_joins_fragments: clientJoinsFragments,
  echo_client_answers_pings: clientAnswersPings,
  echo_client_agrees_on_a_sub_protocol: clientAgreesOnASubProtocol,
  echo_client_sees_the_servers_close: clientSeesTheServersClose,
  echo_client_survives_a_cut_connection: clientSurvivesACutConnection,
  echo_client_leaves_with_1000: clientLeavesWith1000,
};
