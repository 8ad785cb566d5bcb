// What a person does in a browser: type WebSocket calls into the console of echo_server's page,
// and play on the arena's page. Headless Chromium through playwright-core.
//
// Run as `node console.mjs` with NETDRIVER_EXAMPLES (folder of the examples),
// NETDRIVER_NODE_MODULES (folder that holds playwright-core) and, if it is not at
// /usr/bin/chromium, CHROMIUM set. It serves examples/page/arena.html and leaves a picture in
// NETDRIVER_ARTIFACTS (target/artifacts without it): arena.png.

import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import {
  Checks,
  expect,
  expectEqual,
  loadPackage,
  Program,
  Server,
  waitUntil,
  withServer,
} from "../foreign/harness.mjs";
import { FLAGS, requireChromium } from "./chromium.mjs";

const EVENT_MS = 30_000;
const ARENA_MS = 60_000;
const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const ARENA_PAGE = path.join(ROOT, "examples/page/arena.html");
const { NETDRIVER_ARTIFACTS: ARTIFACTS = path.join(ROOT, "target/artifacts") } = process.env;

/** Runs in the page: what the checks type into the console. */
function defineConsole() {
  window.dial = (url, protocols) => {
    const socket = protocols ? new WebSocket(url, protocols) : new WebSocket(url);
    const log = { opened: false, messages: [], close: null, error: false };
    socket.binaryType = "arraybuffer";
    socket.onopen = () => (log.opened = true);
    socket.onerror = () => (log.error = true);
    socket.onclose = ({ code, reason, wasClean }) => (log.close = { code, reason, wasClean });
    socket.onmessage = ({ data }) =>
      log.messages.push(typeof data === "string" ? data : [...new Uint8Array(data)]);
    return { socket, log };
  };
}

/** A console of echo_server's own page. */
async function withConsole(browser, server, body) {
  const page = await browser.newPage();
  const errors = [];
  page.on("pageerror", (error) => errors.push(error.message));
  try {
    await page.goto(`http://localhost:${server.wsPort}/`, { timeout: EVENT_MS });
    await page.evaluate(defineConsole);
    await body(page);
    expectEqual(errors, [], "errors on the page");
  } finally {
    await page.close();
  }
}

/** Opens window.client in the page and waits until it is open. */
async function dial(page, server, protocols) {
  const url = `ws://localhost:${server.wsPort}`;
  await page.evaluate(([to, names]) => void (window.client = window.dial(to, names)), [
    url,
    protocols,
  ]);
  await page.waitForFunction(() => window.client.log.opened, null, { timeout: EVENT_MS });
}

async function log(page) {
  return await page.evaluate(() => window.client.log);
}

async function expectMessages(page, wanted) {
  await page.waitForFunction((count) => window.client.log.messages.length >= count, wanted.length, {
    timeout: EVENT_MS,
  });
  expectEqual((await log(page)).messages, wanted, "messages");
}

async function expectClose(page) {
  await page.waitForFunction(() => window.client.log.close, null, { timeout: EVENT_MS });
  return (await log(page)).close;
}

async function textAndBinaryAreEchoed(browser, server) {
  await withConsole(browser, server, async (page) => {
    await dial(page, server);
    await page.evaluate(() => {
      const { socket } = window.client;
      socket.send("hello from the console, 🎮");
      socket.send(new Uint8Array([0, 1, 128, 255]));
      socket.send("");
      socket.send(new ArrayBuffer(0));
    });
    const wanted = ["hello from the console, 🎮", [0, 1, 128, 255], "", []];
    await expectMessages(page, wanted);
  });
}

async function largeMessagesAreEchoed(browser, server) {
  await withConsole(browser, server, async (page) => {
    await dial(page, server);
    await page.evaluate(() => window.client.socket.send("é".repeat(1 << 19)));
    await page.waitForFunction(() => window.client.log.messages.length === 1, null, {
      timeout: EVENT_MS,
    });
    const same = await page.evaluate(
      () => window.client.log.messages[0] === "é".repeat(1 << 19),
    );
    expect(same, "the echo of a mebibyte differs");
    await page.evaluate(() => window.client.socket.send("x".repeat((1 << 20) + 1)));
    expectEqual((await expectClose(page)).code, 1009, "code for one byte too many");
  });
}

async function expectCloseInLog(server, code, reason) {
  await waitUntil(
    () => server.stderr.some((line) => line.includes(`${code}`) && line.includes(reason)),
    EVENT_MS,
    `code ${code} and its reason in the server's log`,
  );
}

async function closeCodeReachesTheServer(browser, server) {
  await withConsole(browser, server, async (page) => {
    await dial(page, server);
    await page.evaluate(() => window.client.socket.send("before the close"));
    await expectMessages(page, ["before the close"]);
    await page.evaluate(() => window.client.socket.close(4001, "bye"));
    const close = await expectClose(page);
    expectEqual(close.code, 4001, "code in the page");
    expectEqual(close.wasClean, true, "wasClean in the page");
    await expectCloseInLog(server, 4001, "bye");
  });
}

async function closeWithoutAMessageReachesTheServer(browser, server) {
  await withConsole(browser, server, async (page) => {
    await dial(page, server);
    await page.evaluate(() => window.client.socket.close(4011, "only looking"));
    expectEqual((await expectClose(page)).code, 4011, "code in the page");
    await expectCloseInLog(server, 4011, "only looking");
  });
}

async function leftPageShowsAsClosed(browser, server) {
  const before = server.stderr.filter((line) => /1001|1006/.test(line)).length;
  await withConsole(browser, server, async (page) => {
    await dial(page, server);
    await page.evaluate(() => window.client.socket.send("before leaving"));
    await expectMessages(page, ["before leaving"]);
  });
  await waitUntil(
    () => server.stderr.filter((line) => /1001|1006/.test(line)).length > before,
    EVENT_MS,
    "the end of a closed tab's connection in the server's log",
  );
}

async function manySocketsOfOnePageWork(browser, server) {
  await withConsole(browser, server, async (page) => {
    const echoes = await page.evaluate(async (url) => {
      const one = (number) =>
        new Promise((resolve, reject) => {
          const socket = new WebSocket(url);
          socket.onerror = () => reject(new Error(`client ${number} failed`));
          socket.onopen = () => socket.send(`client ${number}`);
          socket.onmessage = ({ data }) => {
            resolve(data);
            socket.close();
          };
        });
      return await Promise.all(Array.from({ length: 50 }, (_, number) => one(number)));
    }, `ws://localhost:${server.wsPort}`);
    const wanted = Array.from({ length: 50 }, (_, number) => `client ${number}`);
    expectEqual(echoes, wanted, "echoes");
  });
}

async function subProtocolIsAgreed(browser) {
  await withServer("echo_server", ["--verbose", "--sub-protocols", "b,a"], async (server) => {
    await withConsole(browser, server, async (page) => {
      await dial(page, server, ["a", "b"]);
      expectEqual(await page.evaluate(() => window.client.socket.protocol), "b", "protocol");
    });
  });
}

async function endOfTheServerClosesTheSocket(browser) {
  for (const signal of ["SIGTERM", "SIGKILL"]) {
    await withServer("echo_server", [], async (server) => {
      await withConsole(browser, server, async (page) => {
        await dial(page, server);
        server.child.kill(signal);
        const { code } = await expectClose(page);
        expect([1000, 1001, 1006].includes(code), `code ${code} after ${signal}`);
      });
    });
  }
}

/** The arena's page with a UDP bot beside it; leaves a screenshot. */
async function arenaPageIsPlayable(browser) {
  expect(existsSync(ARENA_PAGE), `${ARENA_PAGE} is missing`);
  const server = await Server.start("arena_server", "--page", ARENA_PAGE);
  const bot = new Program("arena_bot", "udp", "127.0.0.1", server.udpPort, "--seconds", 30);
  const page = await browser.newPage();
  const errors = [];
  page.on("pageerror", (error) => errors.push(error.message));
  try {
    await page.goto(`http://localhost:${server.wsPort}/`, { timeout: EVENT_MS });
    await page.waitForFunction(() => window.arena?.joined, null, { timeout: ARENA_MS });
    await page.waitForFunction(() => window.arena.others > 0, null, { timeout: ARENA_MS });
    await page.waitForFunction(
      () => document.querySelectorAll("#list > *").length === window.arena.others + 1,
      null,
      { timeout: ARENA_MS },
    );
    await page.keyboard.down("ArrowRight");
    await page.waitForFunction(() => window.arena.moved, null, { timeout: ARENA_MS });
    await page.keyboard.up("ArrowRight");
    mkdirSync(ARTIFACTS, { recursive: true });
    const picture = path.join(ARTIFACTS, "arena.png");
    await page.screenshot({ path: picture });
    expect(statSync(picture).size > 1000, "the screenshot is empty");
    expectEqual(errors, [], "errors on the page");
  } finally {
    await page.close();
    bot.kill();
    server.kill();
    await Promise.all([bot.ended, server.ended]);
  }
}

async function main() {
  const { chromium } = loadPackage("playwright-core");
  const profile = mkdtempSync(path.join(os.tmpdir(), "netdriver-chromium-"));
  const browser = await chromium.launchPersistentContext(profile, {
    executablePath: requireChromium(),
    args: FLAGS,
    headless: true,
  });
  const checks = new Checks();
  try {
    await withServer("echo_server", ["--verbose"], async (server) => {
      const shared = {
        console_text_and_binary_are_echoed: textAndBinaryAreEchoed,
        console_large_messages_are_echoed: largeMessagesAreEchoed,
        console_close_code_reaches_the_server: closeCodeReachesTheServer,
        console_close_without_a_message_reaches_the_server: closeWithoutAMessageReachesTheServer,
        console_left_page_shows_as_closed: leftPageShowsAsClosed,
        console_many_sockets_of_one_page_work: manySocketsOfOnePageWork,
      };
      for (const [name, body] of Object.entries(shared)) {
        await checks.run(name, () => body(browser, server));
      }
    });
    await checks.run("console_sub_protocol_is_agreed", () => subProtocolIsAgreed(browser));
    await checks.run("console_end_of_the_server_closes_the_socket", () =>
      endOfTheServerClosesTheSocket(browser),
    );
    await checks.run("arena_page_is_playable", () => arenaPageIsPlayable(browser), 60000);
  } finally {
    await browser.close();
    rmSync(profile, { recursive: true, force: true });
  }
  checks.finish();
}

await main();
