// Clients that mean no good: silent, slow, never reading. An active client must not notice.

import { readFileSync } from "node:fs";
import { expect, expectEqual, waitUntil, withServer } from "./harness.mjs";
import { BINARY, frame, RawStream, TEXT, upgradeRequest } from "./raw_websocket.mjs";

const HANDSHAKE_TIMEOUT_MS = 5000;
const SLOW_CLIENTS = 100;
const DRIP_MS = 1000;
const ACTIVE_MS = 2500;
/** Far above a round trip on a slow machine, far below what one client could cost others. */
const ROUND_TRIP_MAX_MS = 2000;
const CHUNK = 64 * 1024;
/** What a client offers that never reads; the limits of the library are 4 MiB each way. */
const FLOOD_BYTES = 128 * 1024 * 1024;
const GROWTH_MAX_KIB = 32 * 1024;
const STALL_MS = 1000;

function residentKib(server) {
  const status = readFileSync(`/proc/${server.child.pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)[1]);
}

/** Round trips of an active client for a while; returns the longest in milliseconds. */
async function longestRoundTrip(server, ms) {
  const stream = await RawStream.open(server.wsPort);
  const end = Date.now() + ms;
  let longest = 0;
  for (let turn = 0; Date.now() < end; turn += 1) {
    const start = performance.now();
    stream.write(frame(TEXT, `turn ${turn}`));
    expectEqual((await stream.frame([TEXT])).payload.toString(), `turn ${turn}`, "echo");
    longest = Math.max(longest, performance.now() - start);
  }
  stream.destroy();
  return longest;
}

async function expectActiveClientUnhurt(server, ms = ACTIVE_MS) {
  const longest = await longestRoundTrip(server, ms);
  expect(longest < ROUND_TRIP_MAX_MS, `a round trip took ${longest.toFixed(0)} ms`);
}

/** Writes `bytes` one byte each DRIP_MS until the stream ends. */
function drip(stream, bytes) {
  let next = 0;
  const timer = setInterval(() => {
    if (stream.ended || next >= bytes.length) clearInterval(timer);
    else stream.write(bytes.subarray(next, (next += 1)));
  }, DRIP_MS);
  return () => clearInterval(timer);
}

async function slowHandshakesHurtNobodyAndEnd(server) {
  const silent = Array.from({ length: SLOW_CLIENTS }, () => new RawStream(server.wsPort));
  const dripping = Array.from({ length: SLOW_CLIENTS }, () => new RawStream(server.wsPort));
  const head = Buffer.from(upgradeRequest(server.wsPort));
  const stops = dripping.map((stream) => drip(stream, head));
  const half = Array.from({ length: SLOW_CLIENTS }, () => new RawStream(server.wsPort));
  for (const stream of half) stream.write(head.subarray(0, head.length - 2));
  await expectActiveClientUnhurt(server);
  const all = [...silent, ...dripping, ...half];
  await waitUntil(
    () => all.every((stream) => stream.ended),
    HANDSHAKE_TIMEOUT_MS + 15000 - ACTIVE_MS,
    "the end of all unfinished handshakes",
  );
  for (const stop of stops) stop();
}

async function slowFramesHurtNobody(server) {
  const streams = [];
  for (let i = 0; i < SLOW_CLIENTS; i += 1) streams.push(await RawStream.open(server.wsPort));
  const bytes = frame(TEXT, "one byte a second");
  const stops = streams.map((stream) => {
    stream.write(bytes.subarray(0, 3));
    return drip(stream, bytes.subarray(3));
  });
  await expectActiveClientUnhurt(server);
  const lost = streams.filter((stream) => stream.ended).length;
  expectEqual(lost, 0, "slow clients that were thrown out");
  for (const stop of stops) stop();
  for (const stream of streams) stream.destroy();
}

async function announcedSizeIsNotAllocated(server) {
  const before = residentKib(server);
  const streams = [];
  for (let i = 0; i < SLOW_CLIENTS; i += 1) {
    const stream = await RawStream.open(server.wsPort);
    stream.write(frame(BINARY, "start", { announce: 1n << 20n }));
    streams.push(stream);
  }
  await expectActiveClientUnhurt(server, 500);
  const growth = residentKib(server) - before;
  expect(growth < GROWTH_MAX_KIB, `the server grew by ${growth} KiB`);
  for (const stream of streams) stream.destroy();
}

/** Sends echoes' worth of data without reading; returns how many messages were written. */
async function flood(stream, message) {
  let written = 0;
  let progress = Date.now();
  while (written * message.length < FLOOD_BYTES && !stream.ended) {
    if (stream.socket.writableLength < message.length * 4) {
      stream.socket.write(message, () => (progress = Date.now()));
      written += 1;
    } else if (Date.now() - progress > STALL_MS) {
      break;
    } else {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
  return written;
}

async function neverReadingClientIsHeldBack(server) {
  const before = residentKib(server);
  const stream = await RawStream.open(server.wsPort);
  stream.socket.pause();
  const message = frame(BINARY, Buffer.alloc(CHUNK, 0x5a));
  let worst = 0;
  const sampler = setInterval(() => (worst = Math.max(worst, residentKib(server))), 50);
  const written = await flood(stream, message);
  const active = await longestRoundTrip(server, 1000);
  clearInterval(sampler);
  worst = Math.max(worst, residentKib(server));
  expect(!stream.ended, "the client was thrown out");
  expect(written * CHUNK < FLOOD_BYTES, "the server took everything and never held back");
  expect(worst - before < GROWTH_MAX_KIB, `the server grew by ${worst - before} KiB`);
  expect(active < ROUND_TRIP_MAX_MS, `another client's round trip took ${active.toFixed(0)} ms`);
  let echoes = 0;
  let bytes = 0;
  stream.socket.resume();
  await waitUntil(
    () => {
      for (let got = stream.takeFrame(); got; got = stream.takeFrame()) {
        echoes += 1;
        bytes += got.payload.length;
      }
      expect(!stream.ended, `the stream ended after ${echoes} of ${written} echoes`);
      return echoes >= written;
    },
    10000,
    `all ${written} echoes once the client reads`,
  );
  expectEqual(bytes, written * CHUNK, "bytes of all echoes");
  stream.destroy();
}

async function neverReadingUtpClientIsHeldBack(server) {
  const before = residentKib(server);
  const token = Buffer.from("1122334455667788", "hex");
  const stream = await RawStream.open(server.wsPort);
  stream.socket.pause();
  stream.write(frame(BINARY, Buffer.concat([Buffer.from("UTP\x01\x01", "latin1"), token])));
  const payload = Buffer.concat([Buffer.from([1]), token, Buffer.alloc(1000)]);
  await flood(stream, Buffer.concat(Array(64).fill(frame(BINARY, payload))));
  await expectActiveClientUnhurt(server, 500);
  const growth = residentKib(server) - before;
  expect(growth < GROWTH_MAX_KIB, `the server grew by ${growth} KiB`);
  stream.destroy();
}

async function connectionsThatComeAndGoLeaveNothing(server) {
  const round = async () => {
    const streams = Array.from({ length: 200 }, () => new RawStream(server.wsPort));
    for (const stream of streams) stream.write(upgradeRequest(server.wsPort));
    await Promise.all(streams.map((stream) => stream.head()));
    for (const stream of streams) stream.destroy();
    await Promise.all(streams.map((stream) => stream.end()));
  };
  await round();
  const before = residentKib(server);
  for (let i = 0; i < 8; i += 1) await round();
  const growth = residentKib(server) - before;
  expect(growth < 8 * 1024, `the server grew by ${growth} KiB over 1600 connections`);
  await expectActiveClientUnhurt(server, 200);
}

const SHARED = {
  slow_handshakes_hurt_nobody_and_end: slowHandshakesHurtNobodyAndEnd,
  slow_frames_hurt_nobody: slowFramesHurtNobody,
  announced_size_is_not_allocated: announcedSizeIsNotAllocated,
  connections_that_come_and_go_leave_nothing: connectionsThatComeAndGoLeaveNothing,
};
const OWN = {
  never_reading_client_is_held_back: neverReadingClientIsHeldBack,
  never_reading_utp_client_is_held_back: neverReadingUtpClientIsHeldBack,
};

export const CHECKS = {
  ...SHARED,
  ...Object.fromEntries(
    Object.entries(OWN).map(([name, body]) => [
      name,
      () => withServer("echo_server", [], (server) => body(server)),
    ]),
  ),
};
