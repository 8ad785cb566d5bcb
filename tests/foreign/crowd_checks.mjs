// Ten thousand sockets that send nothing: limits hold, memory stays small, a good client gets in.

import { readFileSync } from "node:fs";
import net from "node:net";
import { counter, expect, expectEqual, waitUntil, withServer } from "./harness.mjs";
import { frame, RawStream, TEXT, upgradeRequest } from "./raw_websocket.mjs";

const CROWD = 10_000;
/** Descriptors that a process needs for anything else. */
const SPARE = 200;
const PENDING_MAX = 1024;
const HANDSHAKE_TIMEOUT_MS = 5000;
/** What a stranger may cost the server at most, and what an idle WebSocket may. */
const STRANGER_KIB_MAX = 4;
const WEBSOCKET_KIB_MAX = 4;
/** Sockets are opened in groups: the system's queue of a listener is not what is tested. */
const GROUP = 500;
/**
 * Strangers at once: those that the server holds, and fewer than its listener's queue takes. Of a
 * socket that the queue had no room for the server knows nothing, and nothing would end it.
 */
const AT_ONCE = 2000;
export const CROWD_MS = 240_000;

function residentKib(server) {
  const status = readFileSync(`/proc/${server.child.pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)[1]);
}

function openFilesMax(pid) {
  const limits = readFileSync(`/proc/${pid}/limits`, "utf8");
  const soft = /^Max open files\s+(\S+)/m.exec(limits)[1];
  return soft === "unlimited" ? Infinity : Number(soft);
}

/** How many sockets the system lets both processes have; says so when they are fewer. */
function crowdSize(server) {
  const least = Math.min(openFilesMax("self"), openFilesMax(server.child.pid));
  const size = Math.min(CROWD, least - SPARE);
  if (size < CROWD) console.log(`only ${size} sockets: RLIMIT_NOFILE is ${least}`);
  expect(size > PENDING_MAX, `RLIMIT_NOFILE is ${least}: raise it (ulimit -n)`);
  return size;
}

/** A socket that says at most one thing, and costs this process little. */
function stranger(port, text = "") {
  const one = { ended: false, head: "" };
  one.socket = net.connect({ port, host: "127.0.0.1" });
  one.socket.on("connect", () => text && one.socket.write(text));
  one.socket.on("data", (part) => (one.head += part.toString("latin1")));
  one.socket.on("error", () => {});
  one.socket.on("close", () => (one.ended = true));
  return one;
}

async function echoes(server, ms) {
  const start = performance.now();
  const stream = new RawStream(server.wsPort);
  stream.write(upgradeRequest(server.wsPort));
  expectEqual((await stream.head(ms)).status, 101, "status of the good client");
  const entry = performance.now() - start;
  const sent = performance.now();
  stream.write(frame(TEXT, "let me in"));
  expectEqual((await stream.frame([TEXT])).payload.toString(), "let me in", "echo");
  const trip = performance.now() - sent;
  stream.destroy();
  return { entry, trip };
}

async function silentSocketsEndAndLetOthersIn() {
  await withServer("echo_server", [], async (server) => {
    const size = crowdSize(server);
    const before = residentKib(server);
    let worst = 0;
    const sampler = setInterval(() => (worst = Math.max(worst, residentKib(server))), 100);
    const crowd = [];
    const waiting = () => crowd.filter((one) => !one.ended).length;
    let guest;
    while (crowd.length < size) {
      await waitUntil(() => waiting() <= AT_ONCE - GROUP, CROWD_MS, "room for more strangers");
      const count = Math.min(GROUP, size - crowd.length);
      crowd.push(...Array.from({ length: count }, () => stranger(server.wsPort)));
      if (crowd.length >= AT_ONCE) guest ??= echoes(server, CROWD_MS / 2);
    }
    const { entry, trip } = await (guest ?? echoes(server, CROWD_MS / 2));
    await waitUntil(() => crowd.every((one) => one.ended), CROWD_MS, "the end of the crowd");
    clearInterval(sampler);
    const each = (worst - before) / PENDING_MAX;
    const report = await server.stop();
    const failed = counter(report, "handshakes_failed");
    const parts = ["displaced", "timed_out", "abandoned"].map((why) =>
      counter(report, `handshakes_${why}`),
    );
    console.log(
      `${size} silent sockets: a client got in after ${entry.toFixed(0)} ms, ` +
        `and its echo took ${trip.toFixed(0)}; ` +
        `the server grew by ${worst - before} KiB; displaced, timed out, left: ${parts}`,
    );
    expectEqual(failed, size, "failed handshakes");
    expectEqual(parts.reduce((a, b) => a + b), size, "displaced, timed out and abandoned");
    expect(parts[0] + parts[1] >= size - PENDING_MAX, "most were ended by the server");
    expect(each < STRANGER_KIB_MAX, `a stranger costs ${each.toFixed(1)} KiB`);
  });
}

async function idleWebSocketsCostLittle() {
  await withServer("echo_server", ["--dialect", "plain"], async (server) => {
    const size = crowdSize(server);
    const before = residentKib(server);
    const crowd = [];
    const request = upgradeRequest(server.wsPort);
    while (crowd.length < size) {
      const count = Math.min(GROUP, size - crowd.length);
      const group = Array.from({ length: count }, () => stranger(server.wsPort, request));
      const open = () => group.every((one) => one.head.startsWith("HTTP/1.1 101 "));
      await waitUntil(open, HANDSHAKE_TIMEOUT_MS, `the upgrades of ${count}`);
      crowd.push(...group);
    }
    const growth = residentKib(server) - before;
    const { entry, trip } = await echoes(server, HANDSHAKE_TIMEOUT_MS);
    console.log(
      `${size} idle WebSockets: ${growth} KiB, ` +
        `${((growth * 1024) / size).toFixed(0)} bytes each; ` +
        `a client got in after ${entry.toFixed(0)} ms, its echo took ${trip.toFixed(0)}`,
    );
    expect(crowd.every((one) => !one.ended), "an idle client was thrown out");
    expect(growth / size < WEBSOCKET_KIB_MAX, `one costs ${(growth / size).toFixed(1)} KiB`);
    for (const one of crowd) one.socket.destroy();
    await waitUntil(() => crowd.every((one) => one.ended), HANDSHAKE_TIMEOUT_MS, "the end");
    await echoes(server, HANDSHAKE_TIMEOUT_MS);
    const report = await server.stop();
    expectEqual(counter(report, "connections_incoming"), size + 2, "connections");
    expectEqual(counter(report, "connections_lost"), size + 2, "connections that were cut");
  });
}

export const CHECKS = {
  ten_thousand_silent_sockets_end_and_let_others_in: silentSocketsEndAndLetOthersIn,
  ten_thousand_idle_websockets_cost_little: idleWebSocketsCostLittle,
};
